#pragma once
#include "ArrayRef.hpp"
#include "CodeletFileType.hpp"
#include "DebugContext.hpp"
#include "Device.hpp"
#include "GraphElements.hpp"
#include "HostValues.hpp"
#include "PerfEstimateFunc.hpp"
#include "Program.hpp"
#include "SerializationFormat.hpp"
#include "Target.hpp"
#include "Tensor.hpp"
#include "TensorCloneMethod.hpp"
#include "VariableMappingMethod.hpp"
#include "exceptions.hpp"
#include <map>
#include <sstream>
// Not needed here; programs rely on them to come along.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <optional>

namespace poplar {

/// Number of identical copies of a graph; the model runs one.
struct replication_factor {
  unsigned value;
  explicit replication_factor(unsigned n) : value(n) {}
  operator unsigned() const { return value; }
};

/// The variables, vertices and mappings of a computation. A virtual graph (createVirtualGraph) shares
/// everything with its parent but sees only some of its tiles, numbered from 0.
class Graph {
public:
  using TileToTensorMapping = std::vector<std::vector<Interval>>;

  /// One entry of addVertex: a field and what it is connected to.
  class ConnectionDesc {
  public:
    ConnectionDesc(StringRef field, Tensor tensor) : field_(field), tensors_{std::move(tensor)} {}
    ConnectionDesc(StringRef field, ArrayRef<Tensor> tensors)
        : field_(field), tensors_(tensors.cloneAsVector()), list_(true) {}
    template <typename T, typename = ipu_model::IfArithmetic<T>> ConnectionDesc(StringRef field, T value)
        : field_(field), value_(ipu_model::HostValues::of(&value, 1)) {
      static_assert(sizeof(T) <= sizeof(bytes_));
      *reinterpret_cast<T *>(bytes_) = value;
    }

  private:
    friend class Graph;
    std::string field_;
    std::vector<Tensor> tensors_;
    bool list_ = false;
    alignas(8) unsigned char bytes_[8] = {};
    ipu_model::HostValues value_{nullptr, 0, {}};
  };

  explicit Graph(const Target &target, unsigned replicationFactor = 1);
  explicit Graph(const Device &device, unsigned replicationFactor = 1) : Graph(device.getTarget(), replicationFactor) {}
  Graph(const Target &target, replication_factor n) : Graph(target, n.value) {}
  Graph(Graph &&) = default;
  Graph &operator=(Graph &&) = default;
  Graph(const Graph &) = delete;
  Graph &operator=(const Graph &) = delete;

  const Target &getTarget() const { return target_; }
  unsigned getReplicationFactor() const { return 1; }
  Graph createVirtualGraph(unsigned numTilesPerIPU);
  Graph createVirtualGraph(unsigned lowerTile, unsigned upperTile);
  Graph createVirtualGraph(const std::vector<unsigned> &tiles);
  Graph getTopLevelGraph();

  bool addCodelets(StringRef source, CodeletFileType type = CodeletFileType::Auto, StringRef compileFlags = "",
                   StringRef targetName = "");
  bool addCodelets(ArrayRef<std::string> files, StringRef compileFlags = "", StringRef target = "");
  void addCodelets(std::stringstream &source, StringRef compileFlags = "",
                   CodeletFileType type = CodeletFileType::CppSource, StringRef target = "",
                   std::ostream *compileOutput = nullptr);
  bool hasCodelet(StringRef vertexType) const;

  Tensor addVariable(const Type &type, ArrayRef<std::size_t> shape, const DebugContext & = {});
  Tensor addVariable(const Type &type, ArrayRef<std::size_t> shape, VariableMappingMethod mapping,
                     const DebugContext & = {});
  template <typename T, typename = ipu_model::IfArithmetic<T>>
  Tensor addConstant(const Type &type, ArrayRef<std::size_t> shape, T value, const DebugContext &context = {}) {
    return addConstantValues(type, shape, ipu_model::HostValues::of(&value, 1), true, context);
  }
  template <typename T> Tensor addConstant(const Type &type, ArrayRef<std::size_t> shape, ArrayRef<T> values,
                                           const DebugContext &context = {}) {
    return addConstantValues(type, shape, ipu_model::HostValues::of(values.data(), values.size()), false, context);
  }
  template <typename T, typename A> Tensor addConstant(const Type &type, ArrayRef<std::size_t> shape,
                                                       const std::vector<T, A> &values,
                                                       const DebugContext &context = {}) {
    return addConstant(type, shape, ArrayRef<T>(values), context);
  }
  template <typename T>
  Tensor addConstant(const Type &type, ArrayRef<std::size_t> shape, const T *values, const DebugContext &context = {}) {
    return addConstant(type, shape, ArrayRef<T>(values, ipu_model::product(shape)), context);
  }
  Tensor addConstantHalf(const Type &type, ArrayRef<std::size_t> shape, std::uint16_t value,
                         const DebugContext &context = {}) {
    return addConstantValues(type, shape, ipu_model::HostValues::half(&value, 1), true, context);
  }
  Tensor addConstantHalf(const Type &type, ArrayRef<std::size_t> shape, ArrayRef<std::uint16_t> values,
                         const DebugContext &context = {}) {
    return addConstantValues(type, shape, ipu_model::HostValues::half(values.data(), values.size()), false, context);
  }
  Tensor addConstantHalf(const Type &type, ArrayRef<std::size_t> shape, const std::uint16_t *values,
                         const DebugContext &context = {}) {
    return addConstantHalf(type, shape, ArrayRef<std::uint16_t>(values, ipu_model::product(shape)), context);
  }
  Tensor clone(const Type &type, const Tensor &tensor, const DebugContext & = {},
               TensorCloneMethod = TensorCloneMethod::PRESERVE_ORDER_UNLESS_ALIASES);
  Tensor clone(const Tensor &tensor, const DebugContext &context = {},
               TensorCloneMethod m = TensorCloneMethod::PRESERVE_ORDER_UNLESS_ALIASES) {
    return clone(tensor.elementType(), tensor, context, m);
  }
  Tensor cloneN(const Type &type, const Tensor &tensor, std::size_t n, const DebugContext & = {},
                TensorCloneMethod = TensorCloneMethod::PRESERVE_ORDER_UNLESS_ALIASES,
                TensorCloneDuplicationMethod = TensorCloneDuplicationMethod::DUPLICATE_BY_OUTER_DIMENSION);
  Tensor cloneN(const Tensor &tensor, std::size_t n, const DebugContext &context = {},
                TensorCloneMethod m = TensorCloneMethod::PRESERVE_ORDER_UNLESS_ALIASES,
                TensorCloneDuplicationMethod d = TensorCloneDuplicationMethod::DUPLICATE_BY_OUTER_DIMENSION) {
    return cloneN(tensor.elementType(), tensor, n, context, m, d);
  }
  bool isConstant(VarId variable) const;
  Tensor getVariable(VarId variable) const;
  Tensor findUnbroadcastTensor(const Tensor &tensor) const;
  void reorderToSimplify(Tensor *tensor, ArrayRef<Tensor *> others, bool requireSimplestOrder = true) const;

  ComputeSet addComputeSet(const DebugContext & = {});
  VertexRef addVertex(ComputeSet computeSet, StringRef vertexType);
  VertexRef addVertex(ComputeSet computeSet, StringRef vertexType, ArrayRef<ConnectionDesc> connections);
  unsigned getNumVertices() const;
  unsigned getNumComputeSets() const;
  std::string getComputeSetName(ComputeSet computeSet) const;

  void connect(FieldRef field, const Tensor &tensor);
  void connect(FieldRef field, ArrayRef<Tensor> tensors);
  template <typename T, typename = ipu_model::IfArithmetic<T>> void connect(FieldRef field, T value) {
    connectValue(field, ipu_model::HostValues::of(&value, 1));
  }
  void setFieldSize(FieldRef field, std::size_t size);
  std::size_t getFieldSize(FieldRef field) const;
  std::size_t getMaxFieldDim(StringRef vertexName, StringRef fieldName, unsigned dimIndex) const;
  template <typename T, typename = ipu_model::IfArithmetic<T>> void setInitialValue(FieldRef field, T value) {
    setFieldValues(field, ipu_model::HostValues::of(&value, 1));
  }
  template <typename T> void setInitialValue(FieldRef field, ArrayRef<T> values) {
    setFieldValues(field, ipu_model::HostValues::of(values.data(), values.size()));
  }
  template <typename T, typename A> void setInitialValue(FieldRef field, const std::vector<T, A> &values) {
    setInitialValue(field, ArrayRef<T>(values));
  }
  template <typename T, typename = ipu_model::IfArithmetic<T>> void setInitialValue(const Tensor &tensor, T value) {
    setTensorValues(tensor, ipu_model::HostValues::of(&value, 1), true);
  }
  template <typename T> void setInitialValue(const Tensor &tensor, ArrayRef<T> values) {
    setTensorValues(tensor, ipu_model::HostValues::of(values.data(), values.size()), false);
  }
  template <typename T, typename A> void setInitialValue(const Tensor &tensor, const std::vector<T, A> &values) {
    setInitialValue(tensor, ArrayRef<T>(values));
  }
  void setInitialValueHalf(FieldRef field, std::uint16_t value) {
    setFieldValues(field, ipu_model::HostValues::half(&value, 1));
  }
  void setInitialValueHalf(FieldRef field, ArrayRef<std::uint16_t> values) {
    setFieldValues(field, ipu_model::HostValues::half(values.data(), values.size()));
  }
  void setInitialValueHalf(const Tensor &tensor, std::uint16_t value) {
    setTensorValues(tensor, ipu_model::HostValues::half(&value, 1), true);
  }
  void setInitialValueHalf(const Tensor &tensor, ArrayRef<std::uint16_t> values) {
    setTensorValues(tensor, ipu_model::HostValues::half(values.data(), values.size()), false);
  }

  void setTileMapping(VertexRef vertex, unsigned tile);
  void setTileMapping(const Tensor &tensor, unsigned tile);
  void setTileMapping(const Tensor &tensor, const TileToTensorMapping &mapping);
  TileToTensorMapping getTileMapping(const Tensor &tensor, bool requireComplete = true,
                                     bool allowExternal = false) const;
  TileToTensorMapping getTileMapping(const Tensor &tensor, bool *isComplete, bool allowExternal = false) const;
  unsigned getTileMapping(VertexRef vertex) const;

  void setPerfEstimate(const VertexRef &vertex, std::uint64_t cycles, std::uint64_t flops = 0);
  void setPerfEstimate(const VertexRef &vertex, VertexPerfEstimate estimate) {
    setPerfEstimate(vertex, estimate.cycles, estimate.flops);
  }
  VertexPerfEstimate getPerfEstimate(const VertexRef &vertex) const;
  void registerPerfEstimator(StringRef vertexType, PerfEstimateFunc estimator);
  /// The names of SDK 1.x for the calls above.
  std::uint64_t getCycleEstimate(const VertexRef &vertex) const { return getPerfEstimate(vertex).cycles; }
  void setCycleEstimate(const VertexRef &vertex, std::uint64_t cycles) { setPerfEstimate(vertex, cycles); }
  void registerCycleEstimator(StringRef vertexType,
                              std::function<std::uint64_t(const VertexIntrospector &, const Target &)> estimator);

  void createHostWrite(StringRef handle, const Tensor &tensor, bool rearrangeOnHost = false);
  void createHostRead(StringRef handle, const Tensor &tensor, bool rearrangeOnHost = false);
  DataStream addHostToDeviceFIFO(StringRef handle, const Type &type, std::size_t numElements,
                                 ReplicatedStreamMode = ReplicatedStreamMode::REPLICATE, const OptionFlags & = {});
  DataStream addDeviceToHostFIFO(StringRef handle, const Type &type, std::size_t numElements, const OptionFlags & = {});
  RemoteBuffer addRemoteBuffer(StringRef handle, const Type &type, std::size_t numElements, std::size_t repeats = 1,
                               bool rearrangeOnHost = false, bool optimiseMemory = false);
  Function addFunction(const program::Program &program);
  /// Not covered: throws poplar_error. A stream with a callback does the same.
  template <typename... Args> HostFunction addHostFunction(StringRef handle, Args &&...) {
    notCovered("Graph::addHostFunction ('" + handle + "')", "connect a stream to a callback");
  }

  std::vector<std::vector<Interval>> getSortedContiguousRegions(const Tensor &tensor, ArrayRef<Interval> regions,
                                                                bool removeAliasedIntervals = false,
                                                                std::vector<std::size_t> *aliases = nullptr) const;

  void serialize(std::ostream &out, SerializationFormat format) const;
  void outputComputeGraph(std::ostream &out, ArrayRef<program::Program> programs) const;
  void outputVertexGraph(std::ostream &out, ArrayRef<program::Program> programs) const;

  const std::shared_ptr<ipu_model::GraphData> &data() const { return data_; }
  /// Number of the parent's tile that this graph calls `tile`; throws invalid_tile_mapping.
  unsigned physicalTile(unsigned tile) const;

private:
  [[noreturn]] static void notCovered(const std::string &what, const std::string &instead);
  Graph(std::shared_ptr<ipu_model::GraphData> data, Target target, std::vector<unsigned> tiles);
  Tensor addConstantValues(const Type &, ArrayRef<std::size_t> shape, ipu_model::HostValues, bool scalar,
                           const DebugContext &);
  void connectValue(FieldRef, ipu_model::HostValues);
  void setFieldValues(FieldRef, ipu_model::HostValues);
  void setTensorValues(const Tensor &, ipu_model::HostValues, bool scalar);

  std::shared_ptr<ipu_model::GraphData> data_;
  Target target_;
  std::vector<unsigned> tiles_; ///< of the parent; empty: all of them
};

} // namespace poplar
