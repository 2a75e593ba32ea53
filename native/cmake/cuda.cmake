# The CUDA runtime, target octet_cuda, and its shared library, octet_cuda_library. Its kernel sources (.cu) are compiled either
#   by the C++ compiler: kernels run on the host, for tests (OCTET_TESTS)
#   by nvcc, for a GPU (OCTET_CUDA)
option(OCTET_CUDA "Build the CUDA runtime with nvcc" OFF)

set(CUDA_FOLDER ${CMAKE_CURRENT_SOURCE_DIR}/runtimes/cuda)
include(cmake/cuda_build.cmake)
file(GLOB CUDA_KERNEL_SOURCES CONFIGURE_DEPENDS ${CUDA_FOLDER}/kernels/*.cu)
file(GLOB CUDA_WGMMA_SOURCES CONFIGURE_DEPENDS ${CUDA_FOLDER}/kernels/gemm_wgmma_*.cu)  # of these, for sm_90a alone
file(GLOB CUDA_PLAIN_SOURCES CONFIGURE_DEPENDS ${CUDA_FOLDER}/kernels/*.cpp ${CUDA_FOLDER}/runtime/*.cpp)
file(GLOB CUDA_MODEL_SOURCES CONFIGURE_DEPENDS ${CUDA_FOLDER}/model/*.cpp)

if(OCTET_CUDA)
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 89-real 90)
  endif()
  enable_language(CUDA)
  # CMake before 3.26 does not know that nvcc speaks C++20.
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  list(REMOVE_ITEM CUDA_KERNEL_SOURCES ${CUDA_WGMMA_SOURCES})
  set(CUDA_FLAGS --expt-relaxed-constexpr -lineinfo)
  add_library(octet_cuda STATIC ${CUDA_KERNEL_SOURCES} ${CUDA_PLAIN_SOURCES} ${CUDA_FOLDER}/device/stream_cuda.cu)
  target_compile_options(octet_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:${CUDA_FLAGS}>)
  # wgmma is of sm_90a, whose code runs on devices of 9.0 and no others: a few kernels of their own, beside those for all sm_90.
  if(CMAKE_CUDA_ARCHITECTURES MATCHES "(^|;)(90|all)")
    add_library(octet_cuda_wgmma OBJECT ${CUDA_WGMMA_SOURCES})
    set_target_properties(octet_cuda_wgmma PROPERTIES CUDA_ARCHITECTURES OFF POSITION_INDEPENDENT_CODE ON)
    target_compile_options(octet_cuda_wgmma PRIVATE ${CUDA_FLAGS} --generate-code=arch=compute_90a,code=sm_90a)
    target_link_libraries(octet_cuda_wgmma PRIVATE octet_engine)
    target_sources(octet_cuda PRIVATE $<TARGET_OBJECTS:octet_cuda_wgmma>)
    target_compile_definitions(octet_cuda PRIVATE OCTET_WGMMA)
  endif()
  set_target_properties(octet_cuda PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(octet_cuda PUBLIC octet_engine)
elseif(OCTET_TESTS)
  add_library(octet_cuda STATIC ${CUDA_KERNEL_SOURCES} ${CUDA_PLAIN_SOURCES} ${CUDA_FOLDER}/device/stream_host.cpp
    ${CUDA_FOLDER}/device/host/block.cpp ${CUDA_FOLDER}/device/host/fiber.cpp ${CUDA_FOLDER}/device/host/async_products.cpp)
  set_source_files_properties(${CUDA_KERNEL_SOURCES} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++;-O2")
  target_compile_definitions(octet_cuda PRIVATE OCTET_WGMMA)
  target_link_libraries(octet_cuda PUBLIC octet_engine)
  precompile(octet_cuda)
endif()

# What the addon loads: liboctet_cuda.so, which exports octet_cuda_library() alone. By the C++ compiler it is for tests of loading.
if(TARGET octet_cuda)
  add_library(octet_cuda_library SHARED ${CUDA_FOLDER}/library.cpp)
  target_link_libraries(octet_cuda_library PRIVATE octet_cuda octet_cuda_build)
  set_target_properties(octet_cuda_library PROPERTIES OUTPUT_NAME octet_cuda CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(NOT MSVC AND NOT APPLE)
    # Visibility alone lets unique symbols of the standard library's templates through.
    set(CUDA_LIBRARY_SYMBOLS ${CMAKE_CURRENT_SOURCE_DIR}/cmake/cuda_library.map)
    target_link_options(octet_cuda_library PRIVATE LINKER:--version-script=${CUDA_LIBRARY_SYMBOLS})
    set_target_properties(octet_cuda_library PROPERTIES LINK_DEPENDS ${CUDA_LIBRARY_SYMBOLS})
  endif()
endif()

# Reading GGUF files: without kernels, so that the addon can link it.
if(TARGET octet_llama)
  add_library(octet_cuda_model STATIC ${CUDA_MODEL_SOURCES})
  target_link_libraries(octet_cuda_model PUBLIC octet_llama ${CMAKE_DL_LIBS})
endif()

# The benchmark: on the host too, so that tests can run it.
if(TARGET octet_cuda)
  set(BENCH_FOLDER ${CMAKE_CURRENT_SOURCE_DIR}/bench)
  file(GLOB BENCH_SOURCES CONFIGURE_DEPENDS ${BENCH_FOLDER}/*.cpp)
  list(REMOVE_ITEM BENCH_SOURCES ${BENCH_FOLDER}/main.cpp)
  add_library(octet_bench STATIC ${BENCH_SOURCES})
  target_link_libraries(octet_bench PUBLIC octet_cuda)
  precompile(octet_bench)
  if(TARGET octet_cuda_model)  # reads model files
    target_link_libraries(octet_bench PUBLIC octet_cuda_model)
    target_compile_definitions(octet_bench PRIVATE OCTET_BENCH_LIBRARIES="${OCTET_LLAMA_LIBRARIES}")
  endif()
  add_executable(octet-native-bench ${BENCH_FOLDER}/main.cpp)
  target_link_libraries(octet-native-bench PRIVATE octet_bench)
endif()

if(TARGET octet_cuda AND NOT OCTET_CUDA AND NOT OCTET_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
  include(cmake/races.cmake)
endif()
