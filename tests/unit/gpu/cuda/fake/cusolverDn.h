/* In the place of the toolkit's header of this name. */
#include "fake_cuda.h"
