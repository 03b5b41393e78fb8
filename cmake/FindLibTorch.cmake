# LibTorch as imported targets over the shared libraries of a PyTorch wheel (or any folder with include/ and lib/).
# The wheel's own CMake package demands a CUDA toolkit even for a CPU build; linking these libraries alone does not.
#   LibTorch::cpu   libtorch_cpu, libc10 and the headers
#   GLINT_LIBTORCH  the folder; scripts/build passes what scripts/setup installed
set(GLINT_LIBTORCH "$ENV{GLINT_LIBTORCH}" CACHE PATH "Folder with LibTorch's include/ and lib/")
find_path(LibTorch_INCLUDE_DIR torch/csrc/api/include/torch/torch.h PATHS "${GLINT_LIBTORCH}/include" NO_DEFAULT_PATH)
find_library(LibTorch_cpu_LIBRARY torch_cpu PATHS "${GLINT_LIBTORCH}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_c10_LIBRARY c10 PATHS "${GLINT_LIBTORCH}/lib" NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_INCLUDE_DIR LibTorch_cpu_LIBRARY LibTorch_c10_LIBRARY
  REASON_FAILURE_MESSAGE "run scripts/setup, or set GLINT_LIBTORCH to a folder with LibTorch's include/ and lib/")

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES
    IMPORTED_LOCATION "${LibTorch_c10_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_INCLUDE_DIR}/torch/csrc/api/include"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_INCLUDE_DIR}/torch/csrc/api/include")
  add_library(LibTorch::cpu SHARED IMPORTED)
  # The wheel's libtorch_cpu.so finds the CUDA runtime wheels beside it through its own RUNPATH.
  set_target_properties(LibTorch::cpu PROPERTIES
    IMPORTED_LOCATION "${LibTorch_cpu_LIBRARY}"
    INTERFACE_LINK_LIBRARIES LibTorch::c10
    INTERFACE_LINK_OPTIONS "-Wl,--allow-shlib-undefined")
endif()
