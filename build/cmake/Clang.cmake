# Finds CUATTR_CLANG, a clang++ of version 19 or newer, for PTX and ThreadSanitizer. CUATTR_HAS_CLANG says whether there is one.
find_program(CUATTR_CLANG NAMES clang++-22 clang++-21 clang++-20 clang++-19 clang++ DOC "clang++ 19 or newer, for PTX and ThreadSanitizer")
set(CUATTR_HAS_CLANG OFF)
if(CUATTR_CLANG)
  execute_process(COMMAND ${CUATTR_CLANG} -dumpversion OUTPUT_VARIABLE CUATTR_CLANG_VERSION OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(CUATTR_CLANG_VERSION VERSION_GREATER_EQUAL 19)
    set(CUATTR_HAS_CLANG ON)
  endif()
endif()
