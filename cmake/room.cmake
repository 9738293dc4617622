# cairn_room(NAME LINK libs...): the static library cairn_NAME from every .c file below NAME/.
# Includes are written from the repository root ("core/space.h"), so a reader and
# tests/style can see which room a file reaches into.
function(cairn_room name)
	cmake_parse_arguments(ROOM "" "" "LINK" ${ARGN})
	file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.c)
	add_library(cairn_${name} STATIC ${sources})
	target_include_directories(cairn_${name} PUBLIC ${CMAKE_SOURCE_DIR})
	target_link_libraries(cairn_${name} PUBLIC ${ROOM_LINK} PRIVATE cairn_warnings)
endfunction()

# cairn_tests(DIR LABEL libs...): one program and one ctest entry for every test_*.c in DIR.
function(cairn_tests dir label)
	file(GLOB sources CONFIGURE_DEPENDS ${dir}/test_*.c)
	foreach(source ${sources})
		get_filename_component(name ${source} NAME_WE)
		add_executable(${name} ${source})
		target_link_libraries(${name} PRIVATE ${ARGN} PkgConfig::CMOCKA cairn_warnings)
		target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
		add_test(NAME ${label}/${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
		set_tests_properties(${label}/${name} PROPERTIES LABELS ${label} TIMEOUT 300)
	endforeach()
endfunction()
