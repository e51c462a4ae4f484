# Finds CUATTR_CLANG, a clang++ of version 19 or newer, for PTX and ThreadSanitizer. Left unset where there is none.
include_guard(GLOBAL)

find_program(CUATTR_CLANG NAMES clang++-22 clang++-21 clang++-20 clang++-19 clang++ DOC "clang++ 19 or newer, for PTX and ThreadSanitizer")
if(CUATTR_CLANG)
  execute_process(COMMAND ${CUATTR_CLANG} -dumpversion OUTPUT_VARIABLE CUATTR_CLANG_VERSION OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(CUATTR_CLANG_VERSION VERSION_LESS 19)
    unset(CUATTR_CLANG CACHE)
    unset(CUATTR_CLANG)
  endif()
endif()
