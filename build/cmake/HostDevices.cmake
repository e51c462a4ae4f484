# The host devices: cuattr_cpu_avx2, cuattr_cpu_avx512 and cuattr_simt, shared libraries with one C interface (native/include/cuattr.h).

find_package(OpenMP COMPONENTS CXX)
if(NOT OpenMP_CXX_FOUND)
  message(FATAL_ERROR "OpenMP is needed to spread blocks over processors: install g++ (Debian package: g++).")
endif()

# Kernels of one device as objects, to be linked into its product library and into its test library.
function(cuattr_add_kernel_objects target device level)
  add_library(${target} OBJECT ${ARGN})
  target_include_directories(${target} PRIVATE ${CUATTR_KERNEL_INCLUDES})
  target_compile_definitions(${target} PRIVATE CUATTR_${device})
  target_compile_options(${target} PRIVATE -x c++ -march=x86-64-v${level} ${CUATTR_NUMERIC_FLAGS} -Wall -Wextra -Werror -Wno-maybe-uninitialized)
  if(level EQUAL 4)
    target_compile_options(${target} PRIVATE -mprefer-vector-width=512)
  endif()
endfunction()

# The library of a device: runtime (for the base instruction set, so that it can say what the processor lacks) and kernel objects.
function(cuattr_add_host_device target device level)
  set(sources ${CMAKE_SOURCE_DIR}/native/src/host_device.cpp)
  if(device STREQUAL "CPU")
    list(APPEND sources ${CMAKE_SOURCE_DIR}/native/src/cpu_blocks.cpp)
  else()
    list(APPEND sources ${CMAKE_SOURCE_DIR}/native/src/simt_blocks.cpp ${CMAKE_SOURCE_DIR}/native/src/fiber.cpp)
  endif()
  add_library(${target} SHARED ${sources})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/native/include)
  target_compile_definitions(${target} PRIVATE CUATTR_X86_64_LEVEL=${level})
  target_compile_options(${target} PRIVATE -Wall -Wextra -Werror)
  target_link_libraries(${target} PRIVATE ${ARGN})
  target_link_options(${target} PRIVATE -Wl,--no-undefined)
endfunction()

cuattr_add_kernel_objects(kernels_cpu_avx2 CPU 3 ${CUATTR_KERNEL_SOURCES})
cuattr_add_kernel_objects(kernels_cpu_avx512 CPU 4 ${CUATTR_KERNEL_SOURCES})
cuattr_add_kernel_objects(kernels_simt SIMT 3 ${CUATTR_KERNEL_SOURCES})
target_compile_options(kernels_cpu_avx2 PRIVATE -O3)
target_compile_options(kernels_cpu_avx512 PRIVATE -O3)
target_compile_options(kernels_simt PRIVATE -O2)

cuattr_add_host_device(cuattr_cpu_avx2 CPU 3 kernels_cpu_avx2 OpenMP::OpenMP_CXX)
cuattr_add_host_device(cuattr_cpu_avx512 CPU 4 kernels_cpu_avx512 OpenMP::OpenMP_CXX)
cuattr_add_host_device(cuattr_simt SIMT 3 kernels_simt OpenMP::OpenMP_CXX)
