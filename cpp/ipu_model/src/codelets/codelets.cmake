# The codelet part of the model: object library `ipu_model_codelets`, included by the CMakeLists.txt above.
# Needs libdw (elfutils) to read debug information; at run time it needs clang++ or g++.
find_path(LIBDW_INCLUDE_DIR elfutils/libdw.h)
find_library(LIBDW_LIBRARY dw)
find_library(LIBELF_LIBRARY elf)
if(NOT LIBDW_INCLUDE_DIR OR NOT LIBDW_LIBRARY OR NOT LIBELF_LIBRARY)
  message(FATAL_ERROR "libdw (elfutils) is missing: install libdw-dev")
endif()

add_library(ipu_model_codelets OBJECT
  src/codelets/codelet_cache.cpp
  src/codelets/codelet_library.cpp
  src/codelets/compiler.cpp
  src/codelets/debug_info.cpp
  src/codelets/entry_points.cpp
  src/codelets/subprocess.cpp)
set_target_properties(ipu_model_codelets PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_compile_features(ipu_model_codelets PUBLIC cxx_std_17)
target_include_directories(ipu_model_codelets PUBLIC include src)
target_include_directories(ipu_model_codelets SYSTEM PRIVATE ${LIBDW_INCLUDE_DIR})
target_compile_definitions(ipu_model_codelets PRIVATE
  IPU_MODEL_DEVICE_INCLUDE="${CMAKE_CURRENT_SOURCE_DIR}/device"
  IPU_MODEL_HOST_INCLUDE="${CMAKE_CURRENT_SOURCE_DIR}/include")
target_link_libraries(ipu_model_codelets PUBLIC ${LIBDW_LIBRARY} ${LIBELF_LIBRARY} ${CMAKE_DL_LIBS})
