# One list for every room; tests and programs use the same.
add_library(cairn_warnings INTERFACE)
target_compile_options(cairn_warnings INTERFACE
	-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
	-Wcast-qual -Wformat=2 -Wundef -Wvla -Wnull-dereference -Wdouble-promotion
	-Wwrite-strings -Wno-missing-field-initializers)
if(CAIRN_WERROR)
	target_compile_options(cairn_warnings INTERFACE -Werror)
endif()
