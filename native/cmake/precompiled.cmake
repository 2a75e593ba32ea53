# precompile(TARGET HEADER...): the standard library's headers, and those named, are parsed once for all of a target's sources. Not
# where a compiler cache is used, which knows sources better, and not by MSVC. GCC 12 crashes on them with -fsanitize=thread.
function(precompile target)
  if(MSVC OR CMAKE_CXX_COMPILER_LAUNCHER)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE ${ARGN} <algorithm> <array> <atomic> <chrono> <cmath> <condition_variable> <cstdint> <cstring>
    <functional> <map> <memory> <mutex> <optional> <random> <set> <span> <stdexcept> <string> <string_view> <thread> <vector>)
endfunction()
