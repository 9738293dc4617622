// What the API answers (openapi.yaml), as far as the dashboard reads it.

export type MetricValue = number | 'nan' | 'inf' | '-inf';
export type Status = 'running' | 'paused' | 'stopped' | 'done';
export type TrialState = 'waiting' | 'running' | 'paused' | 'succeeded' | 'failed' | 'stopped' | 'lost' | 'cancelled';
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Parameters = Record<string, Json>;
export type Values = Record<string, MetricValue | { value: MetricValue; stderr?: number | null }>;

export const TRIAL_STATES: TrialState[] =
	['waiting', 'running', 'paused', 'succeeded', 'failed', 'stopped', 'lost', 'cancelled'];

export interface Objective { name: string; goal?: 'maximize' | 'minimize' }
export interface AlgorithmChoice { name: string; options?: Record<string, Json>; seed?: number }
export interface OutcomeConstraint { metric: string; min?: number; max?: number }
export interface Limits {
	max_trials?: number | null; max_duration?: string | number | null; max_trial_duration?: string | number | null;
	concurrency?: number | null; max_retries?: number | null; target?: number | null; patience?: number | null;
}

export interface Spec {
	name: string; kind?: string; search_space: Record<string, Json>; objectives?: Objective[];
	constraints?: OutcomeConstraint[]; parameter_constraints?: string[] | null; canonical?: Json;
	tuner?: AlgorithmChoice; assessor?: AlgorithmChoice | null; limits?: Limits | null;
	labels?: Record<string, string> | null; note?: string | null;
}

export type Counts = Record<TrialState | 'total' | 'handed_out' | 'seeded', number>;

export interface Experiment extends Spec {
	id: string; team: string; objectives: Objective[]; tuner: AlgorithmChoice; limits: Limits; status: Status;
	reason: string | null; version: number; spec_version: number; counts: Counts;
	best: { trial: number; value: MetricValue } | null; created_at: string | null; updated_at: string | null;
}

export interface Trial {
	trial: number; state: TrialState; origin: 'tuner' | 'custom' | 'seed'; attempt: number; retries: number;
	parameters: Parameters; value: MetricValue | null; values: Values | null; feasible: boolean | null;
	last_step: number | null; last_value: MetricValue | null; message: string | null; checkpoint: string | null;
	parent: number | null; resource: number | null; meta: Record<string, Json> | null; worker: string | null;
	lease_expires_at: string | null; created_at: string | null; started_at: string | null; ended_at: string | null;
}

export interface Page<T> { items: T[]; next_cursor: string | null }

export interface Progress {
	items: { finished: number; trial: number; state: TrialState; value: MetricValue | null; best: MetricValue | null;
		best_trial: number | null; duration_ms: number | null; at: string | null }[];
	objective: Objective; finished: number; version: number;
	durations: { count: number; mean_ms: number | null; shortest_ms: number | null; longest_ms: number | null };
}

export interface Importance {
	method: string; objective: string; finished: number; used: number;
	reason: 'too_few_results' | 'results_all_equal' | null;
	items: { parameter: string; importance: number | null; variance: number | null }[];
	interactions: { parameters: string[]; variance: number }[];
}

export interface Finding { kind: string; severity: 'warning' | 'info'; subject: string | null; message: string }
export interface Health { results: number; findings: Finding[] }
export interface Report { attempt: number; step: number | null; values: Values; late: boolean; at: string | null; version: number }
export interface Artifact { name: string; content_type: string; size: number; sha256: string; updated_at: string | null }
export interface Explanation {
	trial: number; origin: string; tuner: string | null; seed: number | null; meta: Record<string, Json> | null;
	base_version: number | null; suggested_version: number; suggested_at: string | null; parent: number | null; sentence: string;
}
export interface ParetoFront extends Page<Trial> { hypervolume: number | null; reference: Record<string, number> | null }

export interface AlgorithmOption {
	name: string; type: 'bool' | 'int' | 'real' | 'choice'; default: Json; low?: number | null; high?: number | null;
	choices?: string[]; alias?: string | null; help: string;
}
export interface Algorithm { name: string; aliases: string[]; description: string; capabilities: string[]; options: AlgorithmOption[] }

export interface Session {
	authenticated: boolean; open: boolean; team: string | null; token: string | null; scopes: string[];
	instance_admin: boolean; detail: string | null;
}

export interface Fault { pointer: string; message: string }
