/* Model spaces of the book (book-cases.md 5) as JSON, and the pieces they are made of. */
#ifndef TESTS_MODEL_BOOKS_H
#define TESTS_MODEL_BOOKS_H

#define NODE(type)	 "{\"type\":\"" type "\"}"
#define WITH(type, with) "{\"type\":\"" type "\",\"parameters\":{" with "}}"
#define TIMES(k)	 WITH("Multiply", "\"value\":" k)
#define PLUS(k)		 WITH("Add", "\"value\":" k)
#define EDGE(from, to)	 "{\"from\":\"" from "\",\"to\":\"" to "\"}"
#define MODEL(inputs, nodes, edges)                                                                \
	"{\"inputs\":{" inputs "},\"nodes\":{" nodes "},\"edges\":[" edges "]}"
#define MODEL_WITH(inputs, nodes, edges, more)                                                     \
	"{\"inputs\":{" inputs "},\"nodes\":{" nodes "},\"edges\":[" edges "]," more "}"

#define ACTIVATIONS                                                                                \
	"{\"tanh\":" NODE("Tanh") ",\"sigmoid\":" NODE("Sigmoid") ",\"relu\":" NODE("ReLU") "}"

/* N1: op1(x) * 2 + add, times 4, op2. */
#define BOOK_N1                                                                                    \
	MODEL("\"x\":[]",                                                                          \
		"\"op1\":{\"type\":\"LayerChoice\",\"label\":\"op1\",\"candidates\":" ACTIVATIONS  \
		"},"                                                                               \
		"\"twice\":" TIMES(                                                                \
			"2") ","                                                                   \
			     "\"plus\":" PLUS(                                                     \
				     "{\"type\":\"ValueChoice\",\"label\":\"add\",\"values\":[0,"  \
				     "1,2]}") ","                                                  \
					      "\"four\":" TIMES(                                   \
						      "4") ","                                     \
							   "\"op2\":{\"type\":\"LayerChoice\","    \
							   "\"label\":\"op2\","                    \
							   "\"candidates\":" ACTIVATIONS "}",      \
		EDGE("_inputs", "op1") "," EDGE("op1", "twice") "," EDGE(                          \
			"twice", "plus") "," EDGE("plus", "four") "," EDGE("four",                 \
			"op2") "," EDGE("op2", "_outputs"))

/* N2: two of three pipelines, with replacement, summed. */
#define BOOK_N2                                                                                    \
	MODEL("\"x\":[]",                                                                          \
		"\"a\":" TIMES("2") ",\"b\":" TIMES("3") ",\"c\":" TIMES(                          \
			"4") ","                                                                   \
			     "\"pick\":{\"type\":\"InputChoice\",\"label\":\"pick\",\"n_chosen\":" \
			     "2,"                                                                  \
			     "\"replacement\":true,\"reduction\":\"sum\"}",                        \
		EDGE("_inputs", "a") "," EDGE("a", "b") "," EDGE("b", "c") "," EDGE(               \
			"a", "pick") "," EDGE("b", "pick") "," EDGE("c", "pick") "," EDGE("pick",  \
			"_outputs"))

/* N3: one to five blocks that add 0, 1, 2, 3, 4. */
#define BOOK_N3                                                                                    \
	MODEL("\"x\":[]",                                                                          \
		"\"blocks\":{\"type\":\"Repeat\",\"label\":\"depth\",\"depth\":[1,5],"             \
		"\"block\":" PLUS("{\"expression\":\"{i}\"}") "}",                                 \
		EDGE("_inputs", "blocks") "," EDGE("blocks", "_outputs"))

/* N5: the LeNet space for CIFAR-10. */
#define N5_CHOOSE(label) "{\"type\":\"InputChoice\",\"label\":\"" label "\",\"n_chosen\":1}"
#define N5_VALUES(label, values)                                                                   \
	"{\"type\":\"ValueChoice\",\"label\":\"" label "\",\"values\":" values "}"
#define N5_FE_ACTIVATION                                                                           \
	"{\"type\":\"LayerChoice\",\"label\":\"fe_activation\",\"candidates\":{\"sigmoid\":" NODE( \
		"Sigmoid") ",\"relu\":" NODE("ReLU") "}}"
#define N5_FC_ACTIVATION                                                                           \
	"{\"type\":\"LayerChoice\",\"label\":\"fc_activation\",\"candidates\":{\"sigmoid\":" NODE( \
		"Sigmoid") ",\"relu\":" NODE("ReLU") "}}"
#define N5_FC(i, sizes)                                                                                            \
	"\"fc_" i "\":{\"nodes\":{\"linear\":" WITH("Linear",                                                      \
		"\"out_features\":" N5_VALUES("l" i "_size",                                                       \
			sizes)) ","                                                                                \
				"\"dropout\":" WITH("Dropout",                                                     \
					"\"p\":" N5_VALUES("l" i "_dropout",                                       \
						"[0.3,0.5]")) ","                                                  \
							      "\"choose\":" N5_CHOOSE(                             \
								      "fc_"                                        \
								      "switch_" i) ",\"act\""                      \
										   ":" N5_FC_ACTIVATION            \
										   "},\"edges\":"                  \
										   "[" EDGE("_inp"                 \
											    "uts",                 \
											   "linea"                 \
											   "r") "," EDGE("linear", \
											   "dropo"                 \
											   "ut") "," EDGE("dropou" \
													  "t",     \
											   "choos"                 \
											   "e") "," EDGE("linear", \
											   "choos"                 \
											   "e") "," EDGE("choose", \
											   "act") "," EDGE("act",  \
											   "_outp"                 \
											   "uts") "]}"
#define BOOK_N5                                                                                                                                                  \
	MODEL_WITH("\"image\":[3,32,32]",                                                                                                                        \
		"\"features\":{\"type\":\"Repeat\",\"label\":\"fe_depth\",\"depth\":[2,3],"                                                                      \
		"\"block\":{\"type\":\"Subgraph\",\"graph\":\"fe\"}},"                                                                                           \
		"\"flatten\":" NODE("Flatten") ","                                                                                                               \
					       "\"classifier\":{\"type\":\"Repeat\",\"label\":"                                                                  \
					       "\"fc_depth\",\"depth\":[1,3],\"blocks\":["                                                                       \
					       "{\"type\":\"Subgraph\",\"graph\":\"fc_1\"},{"                                                                    \
					       "\"type\":\"Subgraph\",\"graph\":\"fc_2\"},"                                                                      \
					       "{\"type\":\"Subgraph\",\"graph\":\"fc_3\"}]},"                                                                   \
					       "\"last\":" WITH("Linear", "\"out_features\":10"),                                                                \
		EDGE("_inputs", "features") "," EDGE("features", "flatten") "," EDGE("flatten",                                                                  \
			"classifier") "," EDGE("classifier", "last") "," EDGE("last", "_outputs"),                                                               \
		"\"graphs\":{\"fe\":{\"nodes\":{"                                                                                                                \
		"\"conv\":" WITH("Conv2d",                                                                                                                       \
			"\"out_channels\":{\"expression\":\"min(16, 8 * ({i} + 1))\"},"                                                                          \
			"\"padding\":\"same\",\"kernel_size\":" N5_VALUES("fe_kernel_size_{i}",                                                                  \
				"[3,5]")) ","                                                                                                                    \
					  "\"pool\":" WITH("MaxPool2d",                                                                                          \
						  "\"kernel_size\":2") ","                                                                                       \
								       "\"choose\":" N5_CHOOSE("f"                                                               \
											       "e"                                                               \
											       "_"                                                               \
											       "s"                                                               \
											       "w"                                                               \
											       "i"                                                               \
											       "t"                                                               \
											       "c"                                                               \
											       "h"                                                               \
											       "_"                                                               \
											       "{"                                                               \
											       "i"                                                               \
											       "}") ",\"act\":" N5_FE_ACTIVATION "},\"edges\":[" EDGE("_inputs", \
									       "conv") "," EDGE("conv",                                                          \
									       "pool") "," EDGE("pool",                                                          \
									       "choose") "," EDGE("conv",                                                        \
									       "choose") "," EDGE("choose",                                                      \
									       "act") "," EDGE("a"                                                               \
											       "c"                                                               \
											       "t",                                                              \
									       "_outputs") "]}"                                                                  \
											   "," N5_FC("1", "[256,128]") "," N5_FC(                                \
												   "2",                                                          \
												   "[128,64]") "," N5_FC("3",                                    \
												   "[64,32]") "}")

#endif
