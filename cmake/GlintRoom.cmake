# glint_warnings: what our own files are compiled with. Another compiler has other warnings, so they stop the build where
# somebody reads them: in CI (GLINT_WERROR).
add_library(glint_warnings INTERFACE)
target_compile_options(glint_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow=local -Wnon-virtual-dtor
  $<$<BOOL:${GLINT_WERROR}>:-Werror>)
if(CMAKE_UNITY_BUILD)
  # In a unit of several sources GCC takes a source for a header, where a class with a member of an unnamed namespace's
  # type would be a fault; and the more it inlines, the more often GCC 12 sees std::string write past its end, where it
  # does not (GCC bug 105651). The dev preset, one object a source, keeps these warnings.
  target_compile_options(glint_warnings INTERFACE
    -Wno-subobject-linkage -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
endif()

add_library(glint_sanitize INTERFACE)
if(GLINT_SANITIZE STREQUAL "address")
  target_compile_options(glint_sanitize INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  # The sanitizers' own code makes GCC 12 see uninitialised members in LibTorch's inline functions (a std::optional's).
  target_compile_options(glint_sanitize INTERFACE -Wno-maybe-uninitialized)
  target_link_options(glint_sanitize INTERFACE -fsanitize=address,undefined)
elseif(GLINT_SANITIZE STREQUAL "thread")
  target_compile_options(glint_sanitize INTERFACE -fsanitize=thread -fno-omit-frame-pointer -Wno-maybe-uninitialized -Wno-tsan)
  target_link_options(glint_sanitize INTERFACE -fsanitize=thread)
elseif(GLINT_SANITIZE)
  message(FATAL_ERROR "GLINT_SANITIZE: '${GLINT_SANITIZE}' is neither address nor thread")
endif()

# Tests compile in half the time with less optimisation; what they test and what they measure by keeps its own.
add_library(glint_test_options INTERFACE)
target_compile_options(glint_test_options INTERFACE $<$<CONFIG:Release>:-O1>)
target_link_libraries(glint_test_options INTERFACE GTest::gmock GTest::gtest)

# For programs, not libraries: every allocation of the process, LibTorch's among them, is tcmalloc's, which no symbol of
# ours asks for. Its minimal form has no profiler. The sanitizers bring their own.
add_library(glint_allocator INTERFACE)
if(NOT GLINT_SANITIZE)
  target_link_options(glint_allocator INTERFACE LINKER:--no-as-needed)
  target_link_libraries(glint_allocator INTERFACE PkgConfig::TCMALLOC)
endif()

# glint_pch(NAME HEADERS... LIBRARIES...): a precompiled header that targets take with glint_use_pch(TARGET NAME).
function(glint_pch name)
  cmake_parse_arguments(PCH "" "" "HEADERS;LIBRARIES" ${ARGN})
  set(source "${CMAKE_BINARY_DIR}/${name}.cpp")
  file(WRITE "${source}.in" "// Compiled for its precompiled header alone.\n")
  configure_file("${source}.in" "${source}" COPYONLY)
  add_library(${name} STATIC "${source}")
  target_link_libraries(${name} PRIVATE ${PCH_LIBRARIES} glint_warnings glint_sanitize)
  target_precompile_headers(${name} PRIVATE ${PCH_HEADERS})
  target_compile_options(${name} PRIVATE -fpch-preprocess)
  set_target_properties(${name} PROPERTIES UNITY_BUILD OFF)
  # ccache takes this line for the header's content, so that clones in other folders share its results.
  file(WRITE "${CMAKE_BINARY_DIR}/CMakeFiles/${name}.dir/cmake_pch.hxx.gch.sum"
    "${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_BUILD_TYPE} ${CMAKE_CXX_FLAGS_${CMAKE_BUILD_TYPE}} ${GLINT_SANITIZE} ${LibTorch_INCLUDE_DIR} ${PCH_HEADERS}\n")
endfunction()

function(glint_use_pch target name)
  target_precompile_headers(${target} REUSE_FROM ${name})
  target_compile_options(${target} PRIVATE -fpch-preprocess)
endfunction()

# A file that sees LibTorch takes 14 to 28 s without, CLI11 and JSON 10 s, GoogleTest with GoogleMock 3 s.
glint_pch(glint_torch_pch HEADERS <torch/torch.h> <map> <string> <vector> LIBRARIES LibTorch::cpu)
glint_pch(glint_command_pch HEADERS <CLI/CLI.hpp> <nlohmann/json.hpp> <string> <vector>
  LIBRARIES CLI11::CLI11 nlohmann_json::nlohmann_json)
glint_pch(glint_test_pch HEADERS <gmock/gmock.h> <gtest/gtest.h> <string> <vector> LIBRARIES glint_test_options)
glint_pch(glint_torch_test_pch HEADERS <gmock/gmock.h> <gtest/gtest.h> <torch/torch.h> <map> <string> <vector>
  LIBRARIES LibTorch::cpu glint_test_options)

# glint_room(NAME SOURCES files... TORCH_SOURCES files... [USES libraries seen through the headers...]
#            [PRIVATE libraries...])
# Makes the static library glint_NAME. TORCH_SOURCES see <torch/torch.h> through a precompiled header; SOURCES do not see
# LibTorch, not through other headers either.
function(glint_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;TORCH_SOURCES;USES;PRIVATE" ${ARGN})
  add_library(glint_${name} STATIC)
  set(parts glint_${name})
  if(ROOM_TORCH_SOURCES)
    target_sources(glint_${name} PRIVATE ${ROOM_TORCH_SOURCES})
    target_link_libraries(glint_${name} PUBLIC LibTorch::cpu)
    glint_use_pch(glint_${name} glint_torch_pch)
    if(ROOM_SOURCES)  # in a target of their own: a target has one precompiled header for all its units
      add_library(glint_${name}_plain OBJECT ${ROOM_SOURCES})
      target_sources(glint_${name} PRIVATE $<TARGET_OBJECTS:glint_${name}_plain>)
      list(APPEND parts glint_${name}_plain)
    endif()
  else()
    target_sources(glint_${name} PRIVATE ${ROOM_SOURCES})
  endif()
  foreach(part IN LISTS parts)
    target_include_directories(${part} PUBLIC "${PROJECT_SOURCE_DIR}/include" PRIVATE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(${part} PUBLIC ${ROOM_USES} PRIVATE ${ROOM_PRIVATE} glint_warnings glint_sanitize)
  endforeach()
endfunction()

# glint_tests(NAME [GPU] SOURCES files... TORCH_SOURCES files... LIBRARIES rooms... [DEFINITIONS name=value...]): the test
# program NAME_tests, known to ctest test by test. The sources are told apart as in glint_room. GPU: it may use one; the
# others are to give the same everywhere.
function(glint_tests name)
  cmake_parse_arguments(TESTS "GPU" "" "SOURCES;TORCH_SOURCES;LIBRARIES;DEFINITIONS" ${ARGN})
  add_executable(${name}_tests)
  set(parts ${name}_tests)
  if(TESTS_TORCH_SOURCES)
    target_sources(${name}_tests PRIVATE ${TESTS_TORCH_SOURCES})
    target_link_libraries(${name}_tests PRIVATE LibTorch::cpu)
    glint_use_pch(${name}_tests glint_torch_test_pch)
    if(TESTS_SOURCES)
      add_library(${name}_tests_plain OBJECT ${TESTS_SOURCES})
      target_sources(${name}_tests PRIVATE $<TARGET_OBJECTS:${name}_tests_plain>)
      glint_use_pch(${name}_tests_plain glint_test_pch)
      list(APPEND parts ${name}_tests_plain)
    endif()
  else()
    target_sources(${name}_tests PRIVATE ${TESTS_SOURCES})
    glint_use_pch(${name}_tests glint_test_pch)
  endif()
  foreach(part IN LISTS parts)
    target_include_directories(${part} PRIVATE "${PROJECT_SOURCE_DIR}/tests" "${PROJECT_SOURCE_DIR}/src")
    target_compile_definitions(${part} PRIVATE ${TESTS_DEFINITIONS})
    target_link_libraries(${part} PRIVATE ${TESTS_LIBRARIES} GTest::gtest_main glint_test_options glint_warnings glint_sanitize)
  endforeach()
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
