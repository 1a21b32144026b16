# Tests of the codelet part, and whole programs through poplar-run.
file(GLOB codelet_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cpp)
add_executable(codelet_tests ${codelet_tests})
target_link_libraries(codelet_tests PRIVATE ipu_model)
target_include_directories(codelet_tests PRIVATE ${PROJECT_SOURCE_DIR}/src)
add_test(NAME codelets COMMAND codelet_tests)
add_test(NAME programs COMMAND ${PROJECT_SOURCE_DIR}/tests/programs/run_programs.sh)
set_tests_properties(programs PROPERTIES ENVIRONMENT "IPU_MODEL_BUILD=${PROJECT_BINARY_DIR}")
