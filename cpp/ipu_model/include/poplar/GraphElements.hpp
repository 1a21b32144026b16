#pragma once
// Handles to the parts of a graph: small values that name a part by its number.

#include "ReplicatedStreamMode.hpp"
#include "StringRef.hpp"
#include "Type.hpp"
#include <cstdint>
#include <memory>
#include <string>

namespace ipu_model {
struct GraphData;
struct ChannelData;
constexpr std::uint32_t none = ~std::uint32_t{0};

/// A way between the device and what is outside of it.
class Channel {
public:
  Channel() = default;
  explicit Channel(std::shared_ptr<const ChannelData> data) : data_(std::move(data)) {}
  std::string handle() const;
  std::size_t numElements() const; ///< of one transfer
  poplar::Type elementType() const;
  bool valid() const { return data_ != nullptr; }
  const std::shared_ptr<const ChannelData> &data() const { return data_; }

protected:
  std::shared_ptr<const ChannelData> data_;
};
} // namespace ipu_model

namespace poplar {

class FieldRef;

class VertexRef {
public:
  VertexRef() = default;
  VertexRef(std::uint32_t id, ipu_model::GraphData *graph) : id_(id), graph_(graph) {}
  FieldRef operator[](StringRef field) const;
  FieldRef getFieldByName(StringRef field) const;
  std::uint32_t getId() const { return id_; }
  ipu_model::GraphData *graph() const { return graph_; }
  friend bool operator==(const VertexRef &a, const VertexRef &b) { return a.id_ == b.id_; }
  friend bool operator<(const VertexRef &a, const VertexRef &b) { return a.id_ < b.id_; }

private:
  std::uint32_t id_ = ipu_model::none;
  ipu_model::GraphData *graph_ = nullptr;
};

/// One field of a vertex, or one element of a field that is a list.
class FieldRef {
public:
  FieldRef() = default;
  FieldRef(VertexRef vertex, std::uint32_t field, std::uint32_t index = ipu_model::none)
      : vertex_(vertex), field_(field), index_(index) {}
  FieldRef operator[](std::size_t index) const;
  bool isIndexed() const { return index_ != ipu_model::none; }
  std::size_t getIndex() const { return index_; }
  VertexRef getVertex() const { return vertex_; }
  std::uint32_t field() const { return field_; }

private:
  VertexRef vertex_;
  std::uint32_t field_ = 0, index_ = ipu_model::none;
};

class ComputeSet {
public:
  ComputeSet() = default;
  explicit ComputeSet(std::uint32_t id) : id_(id) {}
  std::uint32_t getId() const { return id_; }
  friend bool operator==(const ComputeSet &a, const ComputeSet &b) { return a.id_ == b.id_; }
  friend bool operator<(const ComputeSet &a, const ComputeSet &b) { return a.id_ < b.id_; }

private:
  std::uint32_t id_ = ipu_model::none;
};

/// A program that is called from several places.
class Function {
public:
  Function() = default;
  explicit Function(std::uint32_t id) : id_(id) {}
  std::uint32_t getId() const { return id_; }
  bool valid() const { return id_ != ipu_model::none; }

private:
  std::uint32_t id_ = ipu_model::none;
};

/// A function of the host that programs call; not covered (Graph::addHostFunction throws).
class HostFunction {};

/// A first-in first-out channel between host and device.
class DataStream : public ipu_model::Channel {
public:
  using Channel::Channel;
  /// Lets Engine::connectStream take the stream itself for its handle, as SDK 1.x does.
  operator StringRef() const;
};

/// Memory outside the device that programs copy rows to and from.
class RemoteBuffer : public ipu_model::Channel {
public:
  using Channel::Channel;
  /// Lets Engine::copyToRemoteBuffer take the buffer itself for its handle, as SDK 1.x does.
  operator std::string() const { return handle(); }
  std::size_t getRepeats() const;
};

} // namespace poplar
