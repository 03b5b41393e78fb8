# LibTorch as imported targets over the shared libraries of a PyTorch wheel (or any folder with include/ and lib/).
# The wheel's own CMake package demands a CUDA toolkit even for a CPU build; linking these libraries alone does not.
#   LibTorch::cpu   libtorch_cpu, libc10 and the headers
#   LibTorch::cuda  libtorch_cuda and libc10_cuda besides, where they and CUDA's headers are (LibTorch_CUDA_FOUND)
#   GLINT_NVIDIA    the folder nvidia/ of NVIDIA's wheels: cu13/, nccl/, ...; beside torch/ where it is installed
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

# CUDA's headers and libraries come with NVIDIA's wheels; no toolkit is needed.
set(GLINT_NVIDIA "${GLINT_LIBTORCH}/../nvidia" CACHE PATH "Folder with NVIDIA's wheels")
find_library(LibTorch_cuda_LIBRARY torch_cuda PATHS "${GLINT_LIBTORCH}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_c10_cuda_LIBRARY c10_cuda PATHS "${GLINT_LIBTORCH}/lib" NO_DEFAULT_PATH)
find_path(LibTorch_cublas_INCLUDE_DIR cublas_v2.h PATHS "${GLINT_NVIDIA}/cu13/include" NO_DEFAULT_PATH)
find_path(LibTorch_nccl_INCLUDE_DIR nccl.h PATHS "${GLINT_NVIDIA}/nccl/include" NO_DEFAULT_PATH)
set(LibTorch_CUDA_FOUND FALSE)
if(LibTorch_cuda_LIBRARY AND LibTorch_c10_cuda_LIBRARY AND LibTorch_cublas_INCLUDE_DIR AND LibTorch_nccl_INCLUDE_DIR)
  set(LibTorch_CUDA_FOUND TRUE)
  add_library(LibTorch::cuda SHARED IMPORTED)
  set(cuda_headers "${LibTorch_cublas_INCLUDE_DIR};${LibTorch_nccl_INCLUDE_DIR}")
  set_target_properties(LibTorch::cuda PROPERTIES
    IMPORTED_LOCATION "${LibTorch_cuda_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${cuda_headers}"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${cuda_headers}"
    INTERFACE_LINK_LIBRARIES "LibTorch::cpu;${LibTorch_c10_cuda_LIBRARY}")
endif()
