// Lints openapi.yaml with redocly's recommended rules. No network: telemetry is off and the file
// refers to nothing outside itself.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const redocly = join(here, "node_modules", ".bin", "redocly");

if (!existsSync(redocly)) {
	console.log("redocly is not installed; run npm ci in tests/contract");
	process.exit(77); // ctest: skipped
}
const run = spawnSync(
	redocly,
	["lint", "--config", join(here, "redocly.yaml"), join(here, "..", "..", "openapi.yaml")],
	{
		stdio: "inherit",
		env: {
			...process.env,
			REDOCLY_TELEMETRY: "off",
			REDOCLY_SUPPRESS_UPDATE_NOTICE: "true",
		},
	},
);
process.exit(run.status ?? 1);
