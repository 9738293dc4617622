# cairn_dashboard(OUT): sets OUT to the pack of files that the server shows to browsers, which the build
# makes. CAIRN_DASHBOARD (docs/adr/0005-dashboard.md):
#   AUTO  the dashboard of service/dashboard, made with node and npm; without them, or when npm cannot
#         reach its registry, the plain status page api/assets/dashboard.html, and a message that says so
#   ON    the dashboard, or no build
#   OFF   the status page
set(CAIRN_DASHBOARD AUTO CACHE STRING "The dashboard: AUTO (with node and npm), ON (or fail), OFF (a plain status page)")
set_property(CACHE CAIRN_DASHBOARD PROPERTY STRINGS AUTO ON OFF)

# The status page as a pack of one file.
function(cairn_status_page_pack pack)
	set(page ${CMAKE_SOURCE_DIR}/api/assets/dashboard.html)
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})
	file(SIZE ${page} size)
	file(WRITE ${pack}.head "cairn-pack 1\n${size} index.html text/html; charset=utf-8\n\n")
	execute_process(COMMAND ${CMAKE_COMMAND} -E cat ${pack}.head ${page} OUTPUT_FILE ${pack})
endfunction()

function(cairn_dashboard out)
	set(source ${CMAKE_SOURCE_DIR}/service/dashboard)
	set(pack ${CMAKE_CURRENT_BINARY_DIR}/dashboard.pack)
	set(plain ${CMAKE_CURRENT_BINARY_DIR}/status.pack)
	cairn_status_page_pack(${plain})
	find_program(NODE node)
	find_program(NPM npm)
	set(version 0)
	if(NODE AND NPM AND NOT CAIRN_DASHBOARD STREQUAL "OFF")
		execute_process(COMMAND ${NODE} --version OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE)
		string(REGEX REPLACE "^v" "" version "${version}")
	endif()
	if(CAIRN_DASHBOARD STREQUAL "OFF" OR (version VERSION_LESS 18 AND NOT CAIRN_DASHBOARD STREQUAL "ON"))
		if(NOT CAIRN_DASHBOARD STREQUAL "OFF")
			message(STATUS "No node 18 and npm here: / will be a plain status page, not the dashboard")
		endif()
		set(${out} ${plain} PARENT_SCOPE)
		return()
	endif()
	if(version VERSION_LESS 18)
		message(FATAL_ERROR "CAIRN_DASHBOARD=ON needs node 18 or later and npm; node is '${NODE}' ${version}, npm '${NPM}'")
	endif()
	file(GLOB sources CONFIGURE_DEPENDS ${source}/src/*.* ${source}/src/*/*.*)
	add_custom_command(OUTPUT ${pack}
		COMMAND ${CMAKE_COMMAND} -DNODE=${NODE} -DNPM=${NPM} -DSOURCE=${source} -DPACK=${pack} -DPLAIN=${plain}
			-DMODE=${CAIRN_DASHBOARD} -P ${CMAKE_SOURCE_DIR}/cmake/dashboard_build.cmake
		DEPENDS ${sources} ${source}/package.json ${source}/package-lock.json ${source}/build.mjs ${plain}
			${CMAKE_SOURCE_DIR}/cmake/dashboard_build.cmake
		COMMENT "Building the dashboard" VERBATIM)
	set(${out} ${pack} PARENT_SCOPE)
endfunction()
