/*
 * Every bound of the system, with its reason. A bound is enforced where input enters (api, import)
 * and asserted where it is relied on. tests/unit/ checks each at its edge.
 */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

/* JSON */
#define LIMIT_JSON_DEPTH      64 /* LIMIT_SPACE_DEPTH takes 3 levels each; bounds the walk */
#define LIMIT_BODY_BYTES      (1u << 20)   /* ordinary request bodies */
#define LIMIT_BULK_BODY_BYTES (16u << 20)  /* observe arrays, seeds */
#define LIMIT_IMPORT_BYTES    (128u << 20) /* an exported log: some 400,000 events */
#define LIMIT_ARTIFACT_BYTES  (64u << 20)  /* one artifact; larger ones belong in shared storage */
#define LIMIT_LOG_BYTES	      (16u << 20)  /* one trial's log */

/* Search space */
#define LIMIT_PARAMETERS	    1024  /* flat parameters of one space, all branches counted */
#define LIMIT_OPTIONS		    65536 /* options of one categorical parameter */
#define LIMIT_SPACE_DEPTH	    16	  /* nested choices */
#define LIMIT_CANDIDATES	    1024  /* of one input_choice */
#define LIMIT_PARAMETER_CONSTRAINTS 64
#define LIMIT_FEASIBLE_DRAWS	    100000 /* draws before a space is called infeasible (api.md) */

/* Model spaces */
#define LIMIT_MODEL_INPUTS     64   /* of a model or a sub-graph */
#define LIMIT_MODEL_GRAPHS     256  /* sub-graphs of one space */
#define LIMIT_GRAPH_NODES      1024 /* of one declared graph */
#define LIMIT_GRAPH_EDGES      8192
#define LIMIT_MODEL_ELEMENTS   16384  /* nodes with all blocks and candidates written out */
#define LIMIT_MODEL_OPTIONS    262144 /* of all mutators, written out likewise */
#define LIMIT_MODEL_DEPTH      16     /* sub-graphs, candidates and blocks inside each other */
#define LIMIT_LAYER_CANDIDATES 256    /* candidates of one layer choice or cell */
#define LIMIT_REPEAT	       64     /* blocks in a row */
#define LIMIT_CELL_NODES       32
#define LIMIT_MUTABLE_LABEL    100 /* bytes */

/* Pruning: networks that are planned within a request, in well under a second */
#define LIMIT_NETWORK_LAYERS  4096
#define LIMIT_LAYER_INPUTS    1024	 /* of one Add or Concat; DenseNet joins dozens */
#define LIMIT_LAYER_CHANNELS  65536	 /* channels of one layer */
#define LIMIT_LAYER_FEATURES  (1 << 26)	 /* values of one vector, once channels are flattened */
#define LIMIT_LAYER_SIDE      65536	 /* length of one spatial axis, window, stride ... */
#define LIMIT_CHANNELS	      (1u << 20) /* made by all layers together */
#define LIMIT_CHANNEL_VISITS  (1u << 24) /* channels looked at: steps of the dependency analysis */
#define LIMIT_NETWORK_COUNT   ((1ull << 53) - 1) /* parameters, operations: exact in JSON */
#define LIMIT_ITERATIONS      1000		 /* of one pruning schedule */
#define LIMIT_SCHEDULE_WORK   (1u << 20) /* iterations times layers and groups, within a request */
#define LIMIT_CONFIG_ENTRIES  1024	 /* of one config_list */
#define LIMIT_CONFIG_TYPES    64	 /* op_types of one entry */
#define LIMIT_CONFIG_PARTIALS 256	 /* op_partial_names of one config_list */

/* Experiments */
#define LIMIT_NAME		  200	/* bytes of a name */
#define LIMIT_NOTE		  65536 /* bytes of a note */
#define LIMIT_LABELS		  64
#define LIMIT_OBJECTIVES	  8
#define LIMIT_OUTCOME_CONSTRAINTS 16
#define LIMIT_METRIC_NAMES	  64	   /* values in one report */
#define LIMIT_TRIALS		  10000000 /* numbers one experiment may hand out */
#define LIMIT_CONCURRENCY	  100000
#define LIMIT_DURATION_MS	  (3650ll * 24 * 3600 * 1000) /* of an experiment */
#define LIMIT_RETRIES		  100
#define DEFAULT_RETRIES		  1	 /* a worker that dies once should not cost a trial */
#define LIMIT_REPORTS		  100000 /* intermediate reports of one attempt */
#define LIMIT_TAG		  4096	 /* bytes a tuner may hang on a trial (architecture.md) */
#define LIMIT_MODEL		  (1 << 20) /* bytes of what a tuner has learnt */
#define LIMIT_WORKER		  200	    /* bytes of a worker's name */
#define LIMIT_MESSAGE		  4096	    /* bytes of a failure message */
#define LIMIT_ATTRIBUTES	  16384	    /* bytes of a report's attributes */

/* The loop */
#define LIMIT_SUGGEST_COUNT 256	  /* trials in one suggest */
#define LIMIT_OBSERVE_ITEMS 2500  /* items in one observe */
#define LIMIT_SEED_ITEMS    10000 /* rows in one seed */
#define LIMIT_WAIT_MS	    30000 /* longest a request is held */
#define LIMIT_BATCH_EVENTS  16384 /* events of one append */
#define LIMIT_LEASE_MS	    (30ll * 24 * 3600 * 1000)
#define DEFAULT_LEASE_MS    (24ll * 3600 * 1000)

/* Pages, keys, headers */
#define LIMIT_PAGE	      1000
#define DEFAULT_PAGE	      100
#define LIMIT_IDEMPOTENCY_KEY 255 /* bytes */
#define IDEMPOTENCY_TTL_MS    (24ll * 3600 * 1000)
#define LIMIT_REQUEST_ID      128
#define LIMIT_FAULTS	      32 /* faults listed in one problem */

#define ID_SIZE 32 /* "exp_" + 22 base64url characters + NUL, rounded up */

#endif
