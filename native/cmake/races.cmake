# octet_cuda_races: the CUDA runtime on the host with the race detector (device/host/races.h). Every load and store of kernels and of the
# runtime calls it; the engine is the ordinary one. By GCC, for Linux: Clang instruments copies of memory by other calls.
set(RACES_FOLDER ${CUDA_FOLDER}/device/host)
file(GLOB RACES_SOURCES CONFIGURE_DEPENDS ${RACES_FOLDER}/race_*.cpp)
set(RACES_WATCHED ${CUDA_KERNEL_SOURCES} ${CUDA_PLAIN_SOURCES})

# -O1: no loop becomes a call of memset or memcpy, which would not be watched.
set(RACES_FLAGS -O1 -g1 -fsanitize=thread -fno-tree-loop-distribute-patterns -Wno-tsan --param tsan-instrument-func-entry-exit=0)
add_library(octet_cuda_watched OBJECT EXCLUDE_FROM_ALL ${RACES_WATCHED})
set_target_properties(octet_cuda_watched PROPERTIES COMPILE_DEFINITIONS "OCTET_RACES;OCTET_WGMMA")
target_compile_options(octet_cuda_watched PRIVATE ${RACES_FLAGS})
target_include_directories(octet_cuda_watched PRIVATE $<TARGET_PROPERTY:octet_engine,INTERFACE_INCLUDE_DIRECTORIES>)

add_library(octet_cuda_races STATIC EXCLUDE_FROM_ALL ${RACES_SOURCES} ${RACES_FOLDER}/block.cpp ${RACES_FOLDER}/fiber.cpp ${RACES_FOLDER}/async_products.cpp
  ${CUDA_FOLDER}/device/stream_host.cpp $<TARGET_OBJECTS:octet_cuda_watched>)
target_compile_definitions(octet_cuda_races PUBLIC OCTET_RACES)
target_link_libraries(octet_cuda_races PUBLIC octet_engine)
