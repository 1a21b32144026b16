#pragma once
#include <stdexcept>
#include <string>

namespace poplar {

/// Base of every error of the library; the message names the place and the remedy.
struct poplar_error : std::runtime_error {
  std::string type;
  explicit poplar_error(const std::string &message, const std::string &kind = "poplar_error")
      : std::runtime_error(message), type(kind) {}
};

#define IPU_MODEL_ERROR(name, base)                                                                                    \
  struct name : base {                                                                                                 \
    explicit name(const std::string &message, const std::string &kind = #name) : base(message, kind) {}                \
  }

IPU_MODEL_ERROR(graph_object_load_error, poplar_error);
IPU_MODEL_ERROR(graph_object_creation_error, poplar_error);
IPU_MODEL_ERROR(graph_connection_error, poplar_error);
IPU_MODEL_ERROR(graph_cycle_error, poplar_error);
IPU_MODEL_ERROR(graph_memory_allocation_error, poplar_error);
IPU_MODEL_ERROR(graph_program_compilation_error, poplar_error);
IPU_MODEL_ERROR(graph_recursion_error, poplar_error);
IPU_MODEL_ERROR(graph_replication_error, poplar_error);
IPU_MODEL_ERROR(invalid_machine_model, poplar_error);
IPU_MODEL_ERROR(invalid_option, poplar_error);
IPU_MODEL_ERROR(invalid_tile_mapping, poplar_error);
IPU_MODEL_ERROR(unknown_vertex_type, poplar_error);
IPU_MODEL_ERROR(unknown_field, poplar_error);
IPU_MODEL_ERROR(no_size_specified, poplar_error);
IPU_MODEL_ERROR(no_environment, poplar_error);
IPU_MODEL_ERROR(type_error, poplar_error);
IPU_MODEL_ERROR(index_error, poplar_error);
IPU_MODEL_ERROR(tensor_creation_error, poplar_error);
IPU_MODEL_ERROR(tensor_io_state_error, poplar_error);
IPU_MODEL_ERROR(stream_connection_error, poplar_error);
IPU_MODEL_ERROR(stream_memory_allocation_error, poplar_error);
IPU_MODEL_ERROR(missing_perf_estimate, poplar_error);
IPU_MODEL_ERROR(memory_elem_constraints_error, poplar_error);
IPU_MODEL_ERROR(profiling_disabled, poplar_error);
IPU_MODEL_ERROR(link_error, poplar_error);
IPU_MODEL_ERROR(control_program_error, poplar_error);
IPU_MODEL_ERROR(overflow_error, poplar_error);
IPU_MODEL_ERROR(file_load_error, poplar_error);
IPU_MODEL_ERROR(parse_error, poplar_error);
IPU_MODEL_ERROR(symbol_error, poplar_error);
IPU_MODEL_ERROR(runtime_error, poplar_error);
IPU_MODEL_ERROR(application_runtime_error, runtime_error);
IPU_MODEL_ERROR(system_runtime_error, runtime_error);
IPU_MODEL_ERROR(recoverable_runtime_error, system_runtime_error);
IPU_MODEL_ERROR(unrecoverable_runtime_error, system_runtime_error);
IPU_MODEL_ERROR(unknown_runtime_error, system_runtime_error);

#undef IPU_MODEL_ERROR

} // namespace poplar
