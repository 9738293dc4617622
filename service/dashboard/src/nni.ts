// NNI's experiment configuration (v2 names, as JSON) in the words of this API.
import type { AlgorithmChoice, Json, Limits, Spec } from './types';

type Config = Record<string, Json>;

const algorithm = (value: Json | undefined): (AlgorithmChoice & { classArgs?: Json }) | undefined => {
	const given = value as Config | undefined;
	if (!given || typeof given.name !== 'string')
		return undefined;
	return { name: given.name, ...(given.classArgs ? { classArgs: given.classArgs } : {}) };
};

/** Null: it is none, for it has no searchSpace. */
export function fromNni(config: Config): Spec | null {
	if (!config || 'search_space' in config || !config.searchSpace || typeof config.searchSpace !== 'object')
		return null;
	const limits: Limits = {};
	const put = (name: keyof Limits, value: Json | undefined) => {
		if (value !== undefined && value !== null)
			(limits as Record<string, Json>)[name] = value;
	};
	put('max_trials', config.maxTrialNumber);
	put('concurrency', config.trialConcurrency);
	put('max_duration', config.maxExperimentDuration);
	put('max_trial_duration', config.maxTrialDuration);
	const tuner = algorithm(config.tuner) ?? algorithm(config.advisor);
	const assessor = algorithm(config.assessor);
	return {
		name: typeof config.experimentName === 'string' ? config.experimentName : 'from NNI',
		search_space: config.searchSpace as Record<string, Json>,
		...(tuner ? { tuner } : {}), ...(assessor ? { assessor } : {}), limits,
	};
}
