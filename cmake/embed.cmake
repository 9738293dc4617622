# cairn_embed(TARGET SYMBOL FILE): puts FILE into TARGET as the bytes from SYMBOL to
# SYMBOL_end, which C declares as extern const char SYMBOL[], SYMBOL_end[].
function(cairn_embed target symbol file)
	set(out ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.S)
	file(WRITE ${out}.in
		".section .rodata\n.global ${symbol}\n.global ${symbol}_end\n.balign 16\n"
		"${symbol}:\n.incbin \"${file}\"\n${symbol}_end:\n.byte 0\n"
		".section .note.GNU-stack,\"\",%progbits\n")
	configure_file(${out}.in ${out} COPYONLY)
	target_sources(${target} PRIVATE ${out})
	set_source_files_properties(${out} PROPERTIES OBJECT_DEPENDS ${file})
endfunction()
