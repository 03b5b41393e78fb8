# glint_warnings: warnings are errors in our own files.
add_library(glint_warnings INTERFACE)
target_compile_options(glint_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow=local -Wnon-virtual-dtor -Werror)

add_library(glint_sanitize INTERFACE)
if(GLINT_SANITIZE)
  target_compile_options(glint_sanitize INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  # The sanitizers' own code makes GCC 12 see uninitialised members in LibTorch's inline functions (a std::optional's).
  target_compile_options(glint_sanitize INTERFACE -Wno-maybe-uninitialized)
  target_link_options(glint_sanitize INTERFACE -fsanitize=address,undefined)
endif()

# For programs, not libraries: every allocation of the process, LibTorch's among them, is tcmalloc's, which no symbol of
# ours asks for. Its minimal form has no profiler. The sanitizers bring their own.
add_library(glint_allocator INTERFACE)
if(NOT GLINT_SANITIZE)
  target_link_options(glint_allocator INTERFACE LINKER:--no-as-needed)
  target_link_libraries(glint_allocator INTERFACE PkgConfig::TCMALLOC)
endif()

# One precompiled header for every file that sees LibTorch: 9 s a file instead of 14 to 28.
file(WRITE "${CMAKE_BINARY_DIR}/pch.cpp.in" "// Compiled for its precompiled header alone.\n")
configure_file("${CMAKE_BINARY_DIR}/pch.cpp.in" "${CMAKE_BINARY_DIR}/pch.cpp" COPYONLY)
add_library(glint_pch STATIC "${CMAKE_BINARY_DIR}/pch.cpp")
target_link_libraries(glint_pch PRIVATE LibTorch::cpu glint_warnings glint_sanitize)
target_precompile_headers(glint_pch PRIVATE <torch/torch.h> <map> <string> <vector>)
target_compile_options(glint_pch PRIVATE -fpch-preprocess)
# ccache takes this line for the header's content, so that clones in other folders share its results.
file(WRITE "${CMAKE_BINARY_DIR}/CMakeFiles/glint_pch.dir/cmake_pch.hxx.gch.sum"
  "${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_BUILD_TYPE} ${CMAKE_CXX_FLAGS_${CMAKE_BUILD_TYPE}} ${GLINT_SANITIZE} ${LibTorch_INCLUDE_DIR}\n")

# glint_room(NAME [TORCH] SOURCES files... [USES libraries seen through the headers...] [PRIVATE libraries...])
# Makes the static library glint_NAME. TORCH: its sources see <torch/torch.h> through the precompiled header.
function(glint_room name)
  cmake_parse_arguments(ROOM "TORCH" "" "SOURCES;USES;PRIVATE" ${ARGN})
  add_library(glint_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(glint_${name} PUBLIC "${PROJECT_SOURCE_DIR}/include" PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(glint_${name} PUBLIC ${ROOM_USES} PRIVATE ${ROOM_PRIVATE} glint_warnings glint_sanitize)
  if(ROOM_TORCH)
    target_link_libraries(glint_${name} PUBLIC LibTorch::cpu)
    target_precompile_headers(glint_${name} REUSE_FROM glint_pch)
    target_compile_options(glint_${name} PRIVATE -fpch-preprocess)
  endif()
endfunction()

# glint_tests(NAME [TORCH] [GPU] SOURCES files... LIBRARIES rooms...): the test program NAME_tests, known to ctest test by
# test. GPU: it may use one; the others are to give the same everywhere.
function(glint_tests name)
  cmake_parse_arguments(TESTS "TORCH;GPU" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name}_tests ${TESTS_SOURCES})
  target_include_directories(${name}_tests PRIVATE "${PROJECT_SOURCE_DIR}/tests" "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(${name}_tests PRIVATE ${TESTS_LIBRARIES} GTest::gmock GTest::gtest_main glint_warnings glint_sanitize)
  if(TESTS_TORCH)
    target_link_libraries(${name}_tests PRIVATE LibTorch::cpu)
    target_precompile_headers(${name}_tests REUSE_FROM glint_pch)
    target_compile_options(${name}_tests PRIVATE -fpch-preprocess)
  endif()
  # Properties of one value each: gtest_discover_tests takes lists apart. scripts/test sets OMP_NUM_THREADS.
  set(cuda_module "set:")
  if(TESTS_GPU)
    set(cuda_module "$<IF:$<BOOL:${GLINT_CUDA}>,set:${CMAKE_BINARY_DIR}/libglint_cuda.so,unset:>")
  endif()
  include(GoogleTest)
  gtest_discover_tests(${name}_tests DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120 WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    PROPERTIES TIMEOUT 300 ENVIRONMENT "GLINT_PROGRAM=$<TARGET_FILE:glint>"
      ENVIRONMENT_MODIFICATION "GLINT_CUDA_MODULE=${cuda_module}")
endfunction()
