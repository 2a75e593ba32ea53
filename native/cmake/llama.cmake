# Imported target llama_cpp: headers and shared libraries of llama.cpp, as node-llama-cpp ships them.
file(GLOB LLAMA_CPP_LIBRARIES
  ${OCTET_LLAMA_LIBRARIES}/libllama.v*${CMAKE_SHARED_LIBRARY_SUFFIX}
  ${OCTET_LLAMA_LIBRARIES}/libggml.v*${CMAKE_SHARED_LIBRARY_SUFFIX}
  ${OCTET_LLAMA_LIBRARIES}/libggml-base${CMAKE_SHARED_LIBRARY_SUFFIX})
list(LENGTH LLAMA_CPP_LIBRARIES LLAMA_CPP_LIBRARY_COUNT)
if(NOT LLAMA_CPP_LIBRARY_COUNT EQUAL 3)
  message(FATAL_ERROR "OCTET_LLAMA_LIBRARIES=${OCTET_LLAMA_LIBRARIES} does not hold libllama, libggml and libggml-base")
endif()
add_library(llama_cpp INTERFACE)
target_include_directories(llama_cpp SYSTEM INTERFACE ${OCTET_LLAMA_HEADERS}/include ${OCTET_LLAMA_HEADERS}/ggml/include)
target_link_libraries(llama_cpp INTERFACE ${LLAMA_CPP_LIBRARIES})
