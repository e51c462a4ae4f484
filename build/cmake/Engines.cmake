# Libraries around other people's code: the oneDNN engine (cuattr_dnnl).

# The path of a library's header folder and its link name, or one line that says which package is missing.
function(cuattr_find_library variable header library package)
  find_path(${variable}_INCLUDE_DIR ${header})
  find_library(${variable}_LIBRARY ${library})
  mark_as_advanced(${variable}_INCLUDE_DIR ${variable}_LIBRARY)
  if(NOT ${variable}_INCLUDE_DIR OR NOT ${variable}_LIBRARY)
    message(FATAL_ERROR "${header} and lib${library} are needed: install the Debian package ${package}.")
  endif()
endfunction()

# A shared library of one source file in native/src with its interface in native/include.
function(cuattr_add_engine target source)
  add_library(${target} SHARED ${CMAKE_SOURCE_DIR}/native/src/${source})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/native/include)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Werror)
  target_link_options(${target} PRIVATE -Wl,--no-undefined)
  foreach(library IN LISTS ARGN)
    target_include_directories(${target} SYSTEM PRIVATE ${${library}_INCLUDE_DIR})
    target_link_libraries(${target} PRIVATE ${${library}_LIBRARY})
  endforeach()
endfunction()

if(EXISTS ${CMAKE_SOURCE_DIR}/native/src/dnnl_engine.cpp)
  cuattr_find_library(DNNL dnnl.hpp dnnl libdnnl-dev)
  cuattr_add_engine(cuattr_dnnl dnnl_engine.cpp DNNL)
  # Debian's oneDNN computes with OpenMP's threads; how many is OpenMP's to say.
  find_package(OpenMP COMPONENTS CXX)
  if(NOT OpenMP_CXX_FOUND)
    message(FATAL_ERROR "OpenMP is needed to set oneDNN's number of threads: install g++ (Debian package: g++).")
  endif()
  target_link_libraries(cuattr_dnnl PRIVATE OpenMP::OpenMP_CXX)
endif()
