# Finds the kernel families. There is no list to edit: a new kernels/<family>.cu is compiled by every build after the next configure,
# which Ninja starts by itself. selftest.cu and selftest_wrong.cu hold kernels that exist for the tests only and never enter a product.

file(GLOB CUATTR_KERNEL_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/*.cu)
file(GLOB CUATTR_KERNEL_HEADERS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/*.cuh)
set(CUATTR_SELFTEST_SOURCE ${CMAKE_SOURCE_DIR}/kernels/selftest.cu)
set(CUATTR_WRONG_SOURCE ${CMAKE_SOURCE_DIR}/kernels/selftest_wrong.cu)
list(REMOVE_ITEM CUATTR_KERNEL_SOURCES ${CUATTR_SELFTEST_SOURCE} ${CUATTR_WRONG_SOURCE})

set(CUATTR_FAMILIES "" CACHE STRING "For work on single families: build only these (gemm;norm); empty builds all, as a product must")
if(CUATTR_FAMILIES)
  list(JOIN CUATTR_FAMILIES "|" families)
  list(FILTER CUATTR_KERNEL_SOURCES INCLUDE REGEX "/(${families})\\.cu$")
  message(WARNING "CUATTR_FAMILIES is set: the libraries hold the kernels of ${CUATTR_FAMILIES} only.")
endif()
if(NOT CUATTR_KERNEL_SOURCES)
  message(FATAL_ERROR "No kernel source in ${CMAKE_SOURCE_DIR}/kernels (CUATTR_FAMILIES: '${CUATTR_FAMILIES}').")
endif()

set(CUATTR_KERNEL_INCLUDES ${CMAKE_SOURCE_DIR}/kernels ${CMAKE_SOURCE_DIR}/native/src)

# No contraction and no fast maths: the same bits in every build. What is switched off besides is the bookkeeping of errno and
# floating-point exception flags, which nobody reads and which would keep loops from becoming vector code.
set(CUATTR_NUMERIC_FLAGS -ffp-contract=off -fno-math-errno -fno-trapping-math)

# What nvcc of CUDA 11 understands; all builds keep to it.
set(CUATTR_KERNEL_STANDARD 17)
