# The host devices: cuattr_cpu_avx2, cuattr_cpu_avx512 and cuattr_simt, shared libraries with one C interface (native/include/cuattr.h).

find_package(Threads REQUIRED)
set(CUATTR_RUNTIME_SOURCES host_device.cpp worker_pool.cpp processors.cpp)

# Kernels of one device as objects, to be linked into its product library and into its test library.
function(cuattr_add_kernel_objects target device level)
  set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX)
  add_library(${target} OBJECT ${ARGN})
  set_target_properties(${target} PROPERTIES CXX_STANDARD ${CUATTR_KERNEL_STANDARD})
  target_include_directories(${target} PRIVATE ${CUATTR_KERNEL_INCLUDES})
  target_compile_definitions(${target} PRIVATE CUATTR_${device})
  target_compile_options(${target} PRIVATE -x c++ -march=x86-64-v${level} ${CUATTR_NUMERIC_FLAGS} -Wall -Wextra -Werror -Wno-maybe-uninitialized)
  if(level EQUAL 4)
    target_compile_options(${target} PRIVATE -mprefer-vector-width=512)
  endif()
endfunction()

# The library of a device: runtime (for the base instruction set, so that it can say what the processor lacks) and kernel objects.
function(cuattr_add_host_device target device level)
  set(sources ${CUATTR_RUNTIME_SOURCES})
  if(device STREQUAL "CPU")
    list(APPEND sources cpu_blocks.cpp)
  else()
    list(APPEND sources simt_blocks.cpp fiber.cpp)
  endif()
  list(TRANSFORM sources PREPEND ${CMAKE_SOURCE_DIR}/native/src/)
  add_library(${target} SHARED ${sources})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/native/include)
  target_compile_definitions(${target} PRIVATE CUATTR_X86_64_LEVEL=${level})
  target_compile_options(${target} PRIVATE -Wall -Wextra -Werror)
  target_link_libraries(${target} PRIVATE ${ARGN} Threads::Threads)
  # nodelete: the workers of its pool run its code until the process ends, also after a dlclose.
  target_link_options(${target} PRIVATE -Wl,--no-undefined -Wl,-z,nodelete)
endfunction()

cuattr_add_kernel_objects(kernels_cpu_avx2 CPU 3 ${CUATTR_KERNEL_SOURCES})
cuattr_add_kernel_objects(kernels_cpu_avx512 CPU 4 ${CUATTR_KERNEL_SOURCES})
cuattr_add_kernel_objects(kernels_simt SIMT 3 ${CUATTR_KERNEL_SOURCES})
target_compile_options(kernels_cpu_avx2 PRIVATE -O3)
target_compile_options(kernels_cpu_avx512 PRIVATE -O3)
target_compile_options(kernels_simt PRIVATE -O2)

cuattr_add_host_device(cuattr_cpu_avx2 CPU 3 kernels_cpu_avx2)
cuattr_add_host_device(cuattr_cpu_avx512 CPU 4 kernels_cpu_avx512)
cuattr_add_host_device(cuattr_simt SIMT 3 kernels_simt)
