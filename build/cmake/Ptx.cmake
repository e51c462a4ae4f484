# The PTX module: all kernel families in one translation unit, for sm_80 and later, PTX ISA 7.0 or what the compiler starts at.
# Compiled by clang without a CUDA toolkit, or by nvcc where no clang is new enough.

if(NOT CUATTR_HAS_CLANG)
  find_program(CUATTR_NVCC NAMES nvcc DOC "NVIDIA's compiler, for PTX where clang is missing")
  if(NOT CUATTR_NVCC)
    message(FATAL_ERROR "clang 19 or newer, or nvcc, is needed to build the PTX module: install the Debian package clang-19, or configure with -DCUATTR_PTX=OFF for a build without CUDA.")
  endif()
  execute_process(COMMAND ${CUATTR_NVCC} --version OUTPUT_VARIABLE nvcc_says)
  string(REGEX MATCH "V([0-9.]+)" _ "${nvcc_says}")
  set(CUATTR_NVCC_VERSION ${CMAKE_MATCH_1})
endif()

set(CUATTR_PTX_TARGET sm_80)

# Builds <build folder>/<name>.<target>.ptx from kernel sources, checks it, and writes <name>.json, <name>.constants.cs and <name>.cubins.json beside it.
function(cuattr_add_ptx target name)
  # Each family gets a namespace of its own, so that helpers and parameter structs of two families may share a name; headers come
  # first, outside of them. Kernels have C linkage and keep their plain names.
  set(unity "// Generated: all kernel families in one translation unit.\n")
  foreach(header IN LISTS CUATTR_KERNEL_HEADERS)
    if(header MATCHES "/gpu_(host|device)\\.cuh$") # chosen by gpu.cuh
      continue()
    endif()
    string(APPEND unity "#include \"${header}\"\n")
  endforeach()
  foreach(source IN LISTS ARGN)
    get_filename_component(family ${source} NAME_WE)
    string(APPEND unity "namespace family_${family} {\n#include \"${source}\"\n}\n")
  endforeach()
  set(unity_file ${CMAKE_BINARY_DIR}/ptx/${name}.cu)
  file(CONFIGURE OUTPUT ${unity_file} CONTENT "${unity}" @ONLY)

  set(ptx ${CMAKE_BINARY_DIR}/${name}.${CUATTR_PTX_TARGET}.ptx)
  set(raw ${CMAKE_BINARY_DIR}/ptx/${name}.${CUATTR_PTX_TARGET}.ptx)
  set(depfile ${CMAKE_BINARY_DIR}/ptx/${name}.d)
  if(CUATTR_HAS_CLANG)
    set(compile ${CUATTR_CLANG} -x cuda -std=c++${CUATTR_KERNEL_STANDARD} --cuda-device-only --cuda-gpu-arch=${CUATTR_PTX_TARGET} -Xclang -target-feature -Xclang +ptx70
        -nocudainc -nocudalib -O3 -ffp-contract=off -Wall -Wextra -Werror -I ${CMAKE_SOURCE_DIR}/kernels -MD -MF ${depfile} -MT ${ptx} -S -o ${raw} ${unity_file})
    set(compiler "clang ${CUATTR_CLANG_VERSION}")
  else()
    # The host compiler only preprocesses here, so its version does not matter.
    set(compile ${CUATTR_NVCC} -ptx -std=c++${CUATTR_KERNEL_STANDARD} -arch=${CUATTR_PTX_TARGET} -O3 -fmad=false -prec-div=true -prec-sqrt=true -ftz=false
        --allow-unsupported-compiler -I ${CMAKE_SOURCE_DIR}/kernels -MD -MF ${depfile} -MT ${ptx} -o ${raw} ${unity_file})
    set(compiler "nvcc ${CUATTR_NVCC_VERSION}")
  endif()
  add_custom_command(
    OUTPUT ${ptx} ${CMAKE_BINARY_DIR}/${name}.json ${CMAKE_BINARY_DIR}/${name}.constants.cs ${CMAKE_BINARY_DIR}/${name}.cubins.json
    BYPRODUCTS ${raw}
    COMMAND ${compile}
    COMMAND ${CMAKE_COMMAND} -DRAW=${raw} -DPTX=${ptx} -DMANIFEST=${CMAKE_BINARY_DIR}/${name}.json
            -DCONSTANTS=${CMAKE_BINARY_DIR}/${name}.constants.cs
            -DCUBINS=${CMAKE_BINARY_DIR}/${name}.cubins.json -DTARGET=${CUATTR_PTX_TARGET} "-DCOMPILER=${compiler}" -P ${CMAKE_SOURCE_DIR}/build/cmake/CheckPtx.cmake
    DEPENDS ${unity_file} ${CUATTR_KERNEL_HEADERS} ${ARGN} ${CMAKE_SOURCE_DIR}/build/cmake/CheckPtx.cmake
    DEPFILE ${depfile}
    COMMENT "Compiling ${name}.${CUATTR_PTX_TARGET}.ptx"
    VERBATIM)
  add_custom_target(${target} DEPENDS ${ptx})
endfunction()

cuattr_add_ptx(kernels_ptx kernels ${CUATTR_KERNEL_SOURCES})
set_target_properties(kernels_ptx PROPERTIES EXCLUDE_FROM_ALL FALSE)
