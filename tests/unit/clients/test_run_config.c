/* NNI's configuration, and our own, as an experiment and what an agent needs. What is wrong is told
 * on standard error: tests/e2e/run.test.mjs reads that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/c/command/config.h"

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/c/json_text.h"

static char directory[64], file[128], space_file[128];

static void write_text(const char *name, const char *text)
{
	FILE *out = fopen(name, "wb");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/cairn-config-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(file, sizeof(file), "%s/config.yml", directory);
	snprintf(space_file, sizeof(space_file), "%s/space.json", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(file);
	unlink(space_file);
	return rmdir(directory);
}

static void expect_experiment(const struct config *config, const char *json)
{
	char *text = json_text(config->experiment);
	assert_string_equal(text, json);
	free(text);
}

static void test_nni(void **state)
{
	struct config config;
	char code[128];

	(void)state;
	write_text(space_file, "{\"x\": {\"_type\": \"uniform\", \"_value\": [0, 1]}}");
	write_text(file, "experimentName: e\n"
			 "experimentType: hpo\n"
			 "searchSpaceFile: space.json\n"
			 "trialCommand: python3 trial.py --epochs 3\n"
			 "trialCodeDirectory: code\n"
			 "trialConcurrency: 4\n"
			 "trialGpuNumber: 2\n"
			 "maxTrialNumber: 100\n"
			 "maxExperimentDuration: 5h\n"
			 "maxTrialDuration: 600\n"
			 "nniManagerIp: null\n"
			 "debug: false\n"
			 "logLevel: info\n"
			 "useAnnotation: false\n"
			 "tuner:\n"
			 "  name: TPE\n"
			 "  classArgs:\n"
			 "    optimize_mode: maximize\n"
			 "assessor:\n"
			 "  name: Medianstop\n"
			 "  classArgs: {start_step: 10}\n"
			 "trainingService:\n"
			 "  platform: local\n"
			 "  useActiveGpu: true\n"
			 "  gpuIndices: [0, 3]\n");
	assert_true(config_read(&config, file));
	expect_experiment(&config,
		"{\"name\":\"e\","
		"\"search_space\":{\"x\":{\"_type\":\"uniform\",\"_value\":[0,1]}},"
		"\"limits\":{\"concurrency\":4,\"max_trials\":100,\"max_duration\":\"5h\","
		"\"max_trial_duration\":600},"
		"\"tuner\":{\"name\":\"TPE\",\"options\":{\"optimize_mode\":\"maximize\"}},"
		"\"assessor\":{\"name\":\"Medianstop\",\"options\":{\"start_step\":10}}}");
	assert_string_equal(config.command, "python3 trial.py --epochs 3");
	snprintf(code, sizeof(code), "%s/code", directory);
	assert_string_equal(config.code, code);
	assert_int_equal(config.concurrency, 4);
	assert_int_equal(config.gpus_per_trial, 2);
	assert_string_equal(config.gpus, "0,3");
	config_release(&config);
}

/* An advisor is a tuner; a list of one service is that service. */
static void test_nni_advisor(void **state)
{
	struct config config;

	(void)state;
	write_text(file, "searchSpace: {x: {_type: choice, _value: [1, 2]}}\n"
			 "trialCommand: ./t\n"
			 "trialConcurrency: 1\n"
			 "tuner: null\n"
			 "advisor: {name: BOHB, classArgs: {max_budget: 9}}\n"
			 "trainingService:\n"
			 "  - {platform: local, gpuIndices: '1,2'}\n");
	assert_true(config_read(&config, file));
	expect_experiment(&config,
		"{\"search_space\":{\"x\":{\"_type\":\"choice\",\"_value\":[1,2]}},"
		"\"limits\":{\"concurrency\":1},"
		"\"tuner\":{\"name\":\"BOHB\",\"options\":{\"max_budget\":9}},\"name\":\"nni\"}");
	assert_int_equal(config.gpus_per_trial, -1);
	assert_string_equal(config.gpus, "1,2");
	config_release(&config);
}

static void test_own(void **state)
{
	struct config config;

	(void)state;
	write_text(file, "{\"name\": \"e\", \"search_space\": {}, \"what\": [1],\n"
			 " \"limits\": {\"concurrency\": 3}, \"trial_command\": \"./t\",\n"
			 " \"trial_code_directory\": \"/code\", \"trial_gpus\": 0}\n");
	assert_true(config_read(&config, file));
	expect_experiment(&config,
		"{\"name\":\"e\",\"search_space\":{},\"what\":[1],\"limits\":{\"concurrency\":3}}");
	assert_string_equal(config.command, "./t");
	assert_string_equal(config.code, "/code");
	assert_int_equal(config.concurrency, 3);
	assert_int_equal(config.gpus_per_trial, 0);
	config_release(&config);
}

#define MINIMAL                                                                                    \
	"searchSpace: {x: {_type: choice, _value: [1]}}\ntrialCommand: t\ntrialConcurrency: 1\n"

static void test_refusals(void **state)
{
	static const char *const wrong[] = {
		"[]\n",
		"{}\n",
		"text\n",
		"a: [\n",
		MINIMAL "searchSpaceFile: space.json\n",
		"trialCommand: t\ntrialConcurrency: 1\n",
		"searchSpaceFile: none.json\ntrialCommand: t\ntrialConcurrency: 1\n",
		"searchSpace: []\ntrialCommand: t\ntrialConcurrency: 1\n",
		"searchSpace: {}\ntrialConcurrency: 1\n",
		"searchSpace: {}\ntrialCommand: t\n",
		"searchSpace: {}\ntrialCommand: ''\ntrialConcurrency: 1\n",
		"searchSpace: {}\ntrialCommand: t\ntrialConcurrency: 1.5\n",
		MINIMAL "maxTrialNumber: 0\n",
		MINIMAL "maxTrialDuration: [1]\n",
		MINIMAL "experimentName: 3\n",
		MINIMAL "experimentType: nas\n",
		MINIMAL "useAnnotation: true\n",
		MINIMAL "sharedStorage: {storageType: NFS}\n",
		MINIMAL "trialGpuNumber: -1\n",
		MINIMAL "tuner: TPE\n",
		MINIMAL "tuner: {classArgs: {}}\n",
		MINIMAL "tuner: {name: TPE, classArgs: []}\n",
		MINIMAL "tuner: {name: TPE, seed: 1}\n",
		MINIMAL "tuner: {className: a.B, codeDirectory: .}\n",
		MINIMAL "tuner: {name: TPE}\nadvisor: {name: BOHB}\n",
		MINIMAL "trainingService: local\n",
		MINIMAL "trainingService: {platform: remote, machineList: []}\n",
		MINIMAL "trainingService: {platform: local, gpuIndices: []}\n",
		MINIMAL "trainingService: {platform: local, gpuIndices: [-1]}\n",
		MINIMAL "trainingService: {platform: local, what: 1}\n",
		MINIMAL "trainingService: [{platform: local}, {platform: local}]\n",
		MINIMAL "authorName: me\n",
		"search_space: {}\n",
		"search_space: {}\ntrial_command: 3\n",
	};
	struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		write_text(file, wrong[i]);
		if (config_read(&config, file)) {
			print_error("%s\n", wrong[i]);
			fail();
		}
	}
	unlink(file);
	assert_false(config_read(&config, file));
	write_text(file, MINIMAL);
	assert_true(config_read(&config, file));
	config_release(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nni, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nni_advisor, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
