# cmake -P: installs what package-lock.json names, unless that is there, and bundles SOURCE into PACK.
# In MODE AUTO a machine without a way to the registry gets PLAIN, the status page, instead.
set(installed ${SOURCE}/node_modules/.package-lock.json)
if(NOT EXISTS ${installed} OR ${SOURCE}/package-lock.json IS_NEWER_THAN ${installed})
	execute_process(COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --loglevel=error
		WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE failed OUTPUT_QUIET)
	if(failed AND MODE STREQUAL "AUTO")
		message("*** npm could not install what the dashboard is built with: / will be a plain status page.\n"
			"*** To try again: touch service/dashboard/package-lock.json, and build.")
		configure_file(${PLAIN} ${PACK} COPYONLY)
		file(TOUCH ${PACK})
		return()
	elseif(failed)
		message(FATAL_ERROR "npm ci failed in ${SOURCE}; -DCAIRN_DASHBOARD=OFF builds without the dashboard")
	endif()
	file(TOUCH ${installed})
endif()
execute_process(COMMAND ${NODE} build.mjs ${PACK} WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE failed)
if(failed)
	message(FATAL_ERROR "the dashboard does not build")
endif()
