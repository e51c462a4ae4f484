# Checks a freshly compiled PTX module and publishes it with its manifest (cmake -P; RAW, PTX, MANIFEST, CUBINS, TARGET, COMPILER).
#
# CUBINS lists what build/cubins.sh assembled of the module. Cubins of other PTX than this are deleted and the list is emptied, rather than
# deleted: copies of an old list beside programs are then replaced by the next build.
#
# Refused: undefined functions, approximate, flush-to-zero or contractible arithmetic, a kernel without a launch bound, dynamic
# shared memory that is not declared with KERNEL_SHARED. What passes computes in
# IEEE binary32 and can be loaded as it is. A refused module is not published, so that the next build tries again.
file(READ ${RAW} text)

function(refuse pattern why)
  string(REGEX MATCH "[^\n]*${pattern}[^\n]*" line "${text}")
  if(line)
    string(STRIP "${line}" line)
    message(FATAL_ERROR "${RAW}: ${why}: ${line}")
  endif()
endfunction()

# Semicolons and brackets would split or glue list elements below.
string(REGEX REPLACE "[];[]" " " text "${text}")

refuse("\\.extern[ \t]+\\.func" "an undefined function (device code may use only what kernels/*.cuh offer)")
refuse("\\.approx" "an approximate instruction")
refuse("\\.ftz" "an instruction that flushes subnormal numbers")
refuse("div\\.full" "a division that is not correctly rounded")
refuse("[ \t](add|sub|mul|mad)\\.f(32|64)" "arithmetic without .rn, which the assembler may contract to multiply-adds")

# What KERNEL_SHARED declares: "const .align 4 .u32 NAME_dynamic_shared = BYTES"
set(shared_kernels "")
string(REGEX MATCHALL "\\.const +\\.align +4 +\\.[bsu]32 +[A-Za-z0-9_]+_dynamic_shared *= *[0-9]+" declarations "${text}")
foreach(declaration IN LISTS declarations)
  string(REGEX MATCH "([A-Za-z0-9_]+)_dynamic_shared *= *([0-9]+)" _ "${declaration}")
  list(APPEND shared_kernels ${CMAKE_MATCH_1})
  set(shared_${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
  if(CMAKE_MATCH_2 GREATER 232448)
    message(FATAL_ERROR "${RAW}: kernel ${CMAKE_MATCH_1} declares ${CMAKE_MATCH_2} bytes of dynamic shared memory; a block has at most 232448.")
  endif()
endforeach()

# From one entry to the next; everything a kernel calls is inlined into it.
string(REPLACE ".entry " ";" bodies "${text}")
list(POP_FRONT bodies)
foreach(body IN LISTS bodies)
  string(REGEX MATCH "^[A-Za-z0-9_]+" name "${body}")
  string(FIND "${body}" "cuattr_dynamic_shared" use)
  if(use GREATER -1 AND NOT DEFINED shared_${name})
    message(FATAL_ERROR "${RAW}: kernel ${name} uses dynamic shared memory and does not declare any; declare it with KERNEL_SHARED.")
  endif()
  list(REMOVE_ITEM shared_kernels ${name})
endforeach()
if(shared_kernels)
  message(FATAL_ERROR "${RAW}: ${shared_kernels}_dynamic_shared belongs to no kernel.")
endif()

string(REGEX MATCHALL "\\.entry [A-Za-z0-9_]+\\([^{]*" entries "${text}")
set(kernels "")
foreach(entry IN LISTS entries)
  string(REGEX MATCH "^\\.entry ([A-Za-z0-9_]+)" _ "${entry}")
  set(name ${CMAKE_MATCH_1})
  if(NOT entry MATCHES "\\.maxntid[ \t]+([0-9]+)")
    message(FATAL_ERROR "${RAW}: kernel ${name} has no launch bound; declare it with KERNEL(name, Params, THREADS).")
  endif()
  set(block ${CMAKE_MATCH_1})
  # ".param .align 8 .b8 name_param_0[48]", its brackets blanked above
  if(NOT entry MATCHES "\\.b8 ${name}_param_0 ([0-9]+)")
    message(FATAL_ERROR "${RAW}: kernel ${name} does not take one params struct; declare it with KERNEL(name, Params, THREADS).")
  endif()
  set(shared 0)
  if(DEFINED shared_${name})
    set(shared ${shared_${name}})
  endif()
  list(APPEND kernels "    { \"name\": \"${name}\", \"block_size\": ${block}, \"param_bytes\": ${CMAKE_MATCH_1}, \"dynamic_shared_bytes\": ${shared} }")
endforeach()
if(NOT kernels)
  message(FATAL_ERROR "${RAW}: no kernel found.")
endif()
list(SORT kernels)
list(JOIN kernels ",\n" kernels)

file(COPY_FILE ${RAW} ${PTX})
file(SHA256 ${PTX} hash)
string(REGEX MATCH "\\.version ([0-9.]+)" _ "${text}")
get_filename_component(file ${PTX} NAME)
file(WRITE ${MANIFEST} "{
  \"format\": 1,
  \"file\": \"${file}\",
  \"sha256\": \"${hash}\",
  \"target\": \"${TARGET}\",
  \"ptx_version\": \"${CMAKE_MATCH_1}\",
  \"compiler\": \"${COMPILER}\",
  \"kernels\": [
${kernels}
  ]
}
")

set(assembled "")
if(EXISTS ${CUBINS})
  file(READ ${CUBINS} list)
  string(JSON assembled ERROR_VARIABLE damaged GET "${list}" ptx_sha256)
endif()
if(NOT assembled STREQUAL hash)
  get_filename_component(folder ${CUBINS} DIRECTORY)
  get_filename_component(name ${CUBINS} NAME_WE)
  file(GLOB stale ${folder}/${name}.*.cubin)
  if(stale)
    file(REMOVE ${stale})
  endif()
  file(WRITE ${CUBINS} "{ \"format\": 1, \"ptx_sha256\": \"${hash}\", \"assembler\": \"none\", \"cubins\": [] }\n")
endif()
