set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE Release)
endif()

option(CAIRN_WERROR "Treat warnings as errors" OFF)
option(CAIRN_FUZZ "Build the libFuzzer targets (clang only)" OFF)
option(CAIRN_COVERAGE "Instrument for gcovr" OFF)
set(CAIRN_SANITIZE "" CACHE STRING "Comma-separated sanitizers: address,undefined or thread")

# Asserts state what must hold whatever the input; they stay on in release (docs/style).
foreach(config RELEASE RELWITHDEBINFO MINSIZEREL)
	string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${config} "${CMAKE_C_FLAGS_${config}}")
endforeach()
# The same arithmetic on every machine: no fused multiply-add the source does not ask for.
add_compile_options(-ffp-contract=off -fno-strict-aliasing)
# Unoptimised, the tests of the tuners' quality take minutes.
add_compile_options($<$<CONFIG:Debug>:-Og>)
add_compile_definitions(_GNU_SOURCE)
