/* Model spaces of the book (book-cases.md 5, N1 to N3) as JSON, and the pieces they are made of. N5
 * and N6 are in the hub. */
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

#define VALUES(label, values)                                                                      \
	"{\"type\":\"ValueChoice\",\"label\":\"" label "\",\"values\":" values "}"

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

#endif
