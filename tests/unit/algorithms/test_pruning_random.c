/* Random networks: what a plan leaves of each is a network of its own, with the sizes it claims. */
#include "core/rng.h"
#include "tests/unit/algorithms/pruning_support.h"

static size_t draw(struct rng *rng, size_t n)
{
	return (size_t)rng_below(rng, n);
}

/* A layer of a random kind on random earlier ones; all are 4 x 4. */
static void grow(struct sketch *s, struct rng *rng, const int64_t *channels, size_t n, int64_t *out)
{
	size_t from = 1 + draw(rng, n - 1), other = 1 + draw(rng, n - 1), index = n;

	*out = channels[from];
	switch (draw(rng, 7)) {
	case 0:
		*out = (int64_t)(4u << draw(rng, 3));
		conv(s, from, *out, 3, 1, 1);
		break;
	case 1:
		*out = (int64_t)(8u << draw(rng, 2));
		index = conv(s, from, *out, 3, 1, 1);
		s->layers[index].options.groups = channels[from] % 4 == 0 ? 4 : 1;
		break;
	case 2:
		*out = channels[from] * (int64_t)(1 + draw(rng, 2));
		index = conv(s, from, *out, 3, 1, 1);
		s->layers[index].options.groups = channels[from];
		break;
	case 3:
		layer(s, "BatchNorm2d", from);
		break;
	case 4:
		while (channels[other] != channels[from])
			other = 1 + draw(rng, n - 1);
		join(s, draw(rng, 2) ? "Add" : "Mul", from, other);
		break;
	case 5:
		*out = channels[from] + channels[other];
		join(s, "Concat", from, other);
		break;
	default:
		index = layer(s, "GroupNorm", from);
		s->layers[index].options.groups = channels[from] % 2 == 0 ? 2 : 1;
		break;
	}
}

/* Joins what nobody took, so that it does not leave the network. */
static void close_ends(struct sketch *s)
{
	bool taken[SKETCH_LAYERS] = { false };
	size_t n = s->network.n_layers, last = n;

	for (size_t i = 0; i < n; i++)
		for (size_t slot = 0; slot < s->layers[i].n_inputs; slot++)
			for (size_t k = 0; k < i; k++)
				taken[k] |= s->layers[k].name == s->layers[i].input_names[slot];
	for (size_t i = 0; i < n; i++)
		if (!taken[i])
			last = last == n ? i : join(s, "Concat", last, i);
	linear(s, layer(s, "Flatten", conv(s, last, 8, 1, 1, 0)), 10);
}

static void test_random_networks(void **state)
{
	(void)state;
	size_t shrunk = 0;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct sketch *s = sketch_new();
		int64_t channels[32] = { 4 };
		struct rng rng;

		rng_init(&rng, seed, RNG_TEST, 0);
		conv(s, input(s, 4, 4), 8, 1, 1, 0);
		channels[1] = 8;
		for (size_t n = 2; n < 24; n++) {
			do {
				s->network.n_layers = n;
				memset(&s->layers[n], 0, sizeof(s->layers[n]));
				grow(s, &rng, channels, n, &channels[n]);
			} while (channels[n] > 256);
		}
		close_ends(s);
		sketch_build(s);
		check_rebuilt(s);
		uint64_t before = parameters_of(s);
		bool norms = false;
		for (size_t i = 0; i < s->network.n_layers; i++)
			norms |= s->layers[i].type->role == ROLE_NORM;
		sketch_sparsity(s, norms && draw(&rng, 2) ? "slim" : "l1",
			0.1 * (double)(1 + draw(&rng, 9)));
		shrunk += parameters_of(s) < before;
		check_rebuilt(s);
		sketch_free(s);
	}
	assert_in_range(shrunk, 150, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_networks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
