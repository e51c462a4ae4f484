# Runs COMMAND (words separated by |) and succeeds only if it fails with output that matches EXPECTED (cmake -P).
string(REPLACE "|" ";" command "${COMMAND}")
execute_process(COMMAND ${command} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
string(REGEX REPLACE "[ \t\r\n]+" " " output "${output}") # CMake wraps its messages
if(result EQUAL 0)
  message(FATAL_ERROR "The command succeeded; it should have failed with '${EXPECTED}'. Output:\n${output}")
endif()
if(NOT output MATCHES "${EXPECTED}")
  message(FATAL_ERROR "The command failed (${result}), but not with '${EXPECTED}'. Output:\n${output}")
endif()
message(STATUS "Failed as it should: ${EXPECTED}")
