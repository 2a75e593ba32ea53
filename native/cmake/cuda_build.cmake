# What the addon and the CUDA runtime's library must agree on: the sources of engine and runtime, hashed, as a string that both carry
# (octet::cuda::kBuild, target octet_cuda_build). Loading and packaging compare it, so that a library left from an earlier build is found out.
# Included by the tree, and run as a script (-D FOLDER, -D OUTPUT) when one of the sources has changed.
set(CUDA_BUILD_PATTERNS engine/* runtimes/runtime.h runtimes/vocabulary.h runtimes/cuda/* cmake/cuda*)

if(CMAKE_SCRIPT_MODE_FILE)
  list(TRANSFORM CUDA_BUILD_PATTERNS PREPEND ${FOLDER}/)
  file(GLOB_RECURSE files RELATIVE ${FOLDER} ${CUDA_BUILD_PATTERNS})
  list(SORT files)
  set(all "")
  foreach(file ${files})
    file(SHA256 ${FOLDER}/${file} hash)
    string(APPEND all "${file} ${hash}\n")
  endforeach()
  string(SHA256 hash "${all}")
  file(WRITE ${OUTPUT} "#include \"runtimes/cuda/library.h\"\nconst char octet::cuda::kBuild[] = \"octet-cuda-build:${hash}\";\n")
  return()
endif()

list(TRANSFORM CUDA_BUILD_PATTERNS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE patterns)
file(GLOB_RECURSE CUDA_BUILD_SOURCES CONFIGURE_DEPENDS ${patterns})
set(CUDA_BUILD_FILE ${CMAKE_CURRENT_BINARY_DIR}/cuda_build.cpp)
add_custom_command(OUTPUT ${CUDA_BUILD_FILE}
  COMMAND ${CMAKE_COMMAND} -D FOLDER=${CMAKE_CURRENT_SOURCE_DIR} -D OUTPUT=${CUDA_BUILD_FILE} -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/cuda_build.cmake
  DEPENDS ${CUDA_BUILD_SOURCES} VERBATIM)
add_library(octet_cuda_build STATIC ${CUDA_BUILD_FILE})
target_include_directories(octet_cuda_build PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
set_target_properties(octet_cuda_build PROPERTIES CXX_VISIBILITY_PRESET hidden)
