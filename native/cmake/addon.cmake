# The Node addon octet.node, built under cmake-js. Finds llama.cpp's libraries by relative paths only, so that the file may be
# moved together with them: beside it, in llama/, or among the packages installed with or around Octet.
if(NOT TARGET octet_llama)
  message(FATAL_ERROR "The addon needs OCTET_LLAMA_LIBRARIES and OCTET_LLAMA_HEADERS")
endif()

file(READ ${CMAKE_CURRENT_SOURCE_DIR}/../package.json MANIFEST)
string(JSON OCTET_VERSION GET "${MANIFEST}" version)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/../package.json)
string(REGEX MATCH "llama\\.(v[0-9.]*[0-9])" _ "${LLAMA_CPP_LIBRARIES}")
set(LLAMA_VERSION ${CMAKE_MATCH_1})

file(GLOB ADDON_SOURCES CONFIGURE_DEPENDS addon/*.cpp)
add_library(octet SHARED ${ADDON_SOURCES} ${CMAKE_JS_SRC})
target_include_directories(octet SYSTEM PRIVATE ${CMAKE_JS_INC})
target_compile_definitions(octet PRIVATE NAPI_VERSION=8 NAPI_CPP_EXCEPTIONS NODE_ADDON_API_DISABLE_DEPRECATED BUILDING_NODE_EXTENSION
  OCTET_VERSION="${OCTET_VERSION}" OCTET_LLAMA_VERSION="${LLAMA_VERSION}")
target_link_libraries(octet PRIVATE octet_llama octet_cuda_model octet_cuda_build ${CMAKE_JS_LIB})
set_target_properties(octet PROPERTIES PREFIX "" SUFFIX ".node" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)

if(MSVC AND CMAKE_JS_NODELIB_DEF AND CMAKE_JS_NODELIB_TARGET)
  execute_process(COMMAND ${CMAKE_AR} /def:${CMAKE_JS_NODELIB_DEF} /out:${CMAKE_JS_NODELIB_TARGET} ${CMAKE_STATIC_LINKER_FLAGS})
endif()

get_filename_component(LLAMA_PLATFORM ${OCTET_LLAMA_LIBRARIES} NAME)
if(APPLE)
  set(HERE "@loader_path")
else()
  set(HERE "$ORIGIN")
endif()
set_target_properties(octet PROPERTIES
  BUILD_WITH_INSTALL_RPATH ON
  INSTALL_RPATH "${HERE};${HERE}/llama;${HERE}/../node_modules/@node-llama-cpp/${LLAMA_PLATFORM}/bins/${LLAMA_PLATFORM};${HERE}/../../@node-llama-cpp/${LLAMA_PLATFORM}/bins/${LLAMA_PLATFORM}")
