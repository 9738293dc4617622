# The status page as a pack of one file.
function(cairn_status_page_pack pack)
	set(page ${CMAKE_SOURCE_DIR}/api/assets/dashboard.html)
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})
	file(SIZE ${page} size)
	file(WRITE ${pack}.head "cairn-pack 1\n${size} index.html text/html; charset=utf-8\n\n")
	execute_process(COMMAND ${CMAKE_COMMAND} -E cat ${pack}.head ${page} OUTPUT_FILE ${pack})
endfunction()
