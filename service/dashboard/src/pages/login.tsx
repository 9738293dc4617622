import { useState } from 'preact/hooks';
import { post } from '../api';
import type { Session } from '../types';
import { Field, Title, Trouble, useAction } from '../ui';

export function Login({ session, onDone }: { session: Session; onDone: () => void }) {
	const [token, set] = useState('');
	const { busy, problem, run } = useAction();
	if (session.open)
		return <div class="login">
			<Title text="Not from here" />
			<p>{session.detail}</p>
		</div>;
	return <div class="login">
		<Title text="Log in" />
		<form onSubmit={(event) => {
			event.preventDefault();
			run(async () => {
				await post('/v1/session', { token: token.trim() });
				set('');
				onDone();
			});
		}}>
			<Field label="Token" help="It becomes a cookie that scripts cannot read, and is kept nowhere else.">
				{(id, help) => <input id={id} aria-describedby={help} type="password" autocomplete="off" spellcheck={false} required
					value={token} onInput={(event) => set(event.currentTarget.value)} placeholder="cairn_…" />}
			</Field>
			<Trouble problem={problem} />
			<p><button class="primary" disabled={busy || !token.trim()}>Log in</button></p>
		</form>
	</div>;
}
