# OpenCV::imgproc (drawing) and OpenCV::core from the two small packages that hold them: OpenCV's own CMake package comes
# only with all its modules and their 400 MB of dependencies.
find_path(OpenCvDrawing_INCLUDE_DIR opencv2/imgproc.hpp PATH_SUFFIXES opencv4)
find_library(OpenCvDrawing_core_LIBRARY opencv_core)
find_library(OpenCvDrawing_imgproc_LIBRARY opencv_imgproc)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenCvDrawing
  REQUIRED_VARS OpenCvDrawing_INCLUDE_DIR OpenCvDrawing_core_LIBRARY OpenCvDrawing_imgproc_LIBRARY)
if(OpenCvDrawing_FOUND AND NOT TARGET OpenCV::imgproc)
  add_library(OpenCV::core SHARED IMPORTED)
  set_target_properties(OpenCV::core PROPERTIES
    IMPORTED_LOCATION "${OpenCvDrawing_core_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${OpenCvDrawing_INCLUDE_DIR}")
  add_library(OpenCV::imgproc SHARED IMPORTED)
  set_target_properties(OpenCV::imgproc PROPERTIES
    IMPORTED_LOCATION "${OpenCvDrawing_imgproc_LIBRARY}"
    INTERFACE_LINK_LIBRARIES OpenCV::core)
endif()
