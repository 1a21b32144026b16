// The types that fields of a vertex may have. On a tile an edge is a pointer packed as its layout says; here
// every edge is a full pointer and a length, whatever the layout, so that the host binds them all alike.
// What a layout does not carry on a tile (the length of ONE_PTR, say) cannot be asked for here either.
#pragma once

#include <ipu_model/tables.hpp>
#include <poplar/VectorTypes.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace poplar {

template <class T>
class Input;
template <class T>
class Output;
template <class T>
class InOut;
template <class T, VectorLayout L = VectorLayout::SPAN, unsigned MinAlign = alignof(T), bool Interleaved = false>
class Vector;
template <class T, VectorListLayout L = VectorListLayout::ONE_PTR, unsigned MinAlign = alignof(T),
          bool Interleaved = false>
class VectorList;

}  // namespace poplar

namespace ipu_model::device {

/// `long` and `size_t` have 32 bits on a tile, so this is what tile memory holds of them.
template <class T>
struct TileElement {
  using type = T;
};
template <>
struct TileElement<long> {
  using type = int;
};
template <>
struct TileElement<unsigned long> {
  using type = unsigned;
};
template <class T>
using tile_element_t = typename TileElement<T>::type;

/// What a vector input gives access to. Programs written for SDK 1.x cast it to pointers that could write, which the
/// compile step allows, with a warning, in sources that need it.
#ifdef IPU_MODEL_CASTABLE_INPUTS
template <class T>
using input_element_t = tile_element_t<T>;
#else
template <class T>
using input_element_t = const tile_element_t<T>;
#endif

/// Edges point at memory that only the host can provide: codelets cannot make one or point it elsewhere.
class Edge {
 public:
  Edge() = delete;
  Edge(const Edge&) = default;
  Edge& operator=(const Edge&) = delete;

 protected:
  EdgeImage image_;
};

/// One element. `Element` is const for inputs.
template <class Element>
class ScalarEdge : public Edge {
 public:
  Element& operator*() const { return *static_cast<Element*>(image_.data); }
  Element* operator->() const { return static_cast<Element*>(image_.data); }
};

constexpr bool hasLength(poplar::VectorLayout layout) {
  return layout == poplar::VectorLayout::SPAN || layout == poplar::VectorLayout::SHORT_SPAN;
}

/// Contiguous elements whose number the codelet does not know.
template <class Element, bool HasLength>
class VectorEdge : public Edge {
 public:
  using value_type = std::remove_const_t<Element>;
  // An edge stands for its vector: `edge->size()` and `(*edge)[i]` are `edge.size()` and `edge[i]`.
  const VectorEdge& operator*() const { return *this; }
  const VectorEdge* operator->() const { return this; }
  Element& operator[](std::size_t i) const { return data()[i]; }
  Element* data() const { return static_cast<Element*>(image_.data); }
  Element* begin() const { return data(); }
};

/// Contiguous elements and their number.
template <class Element>
class VectorEdge<Element, true> : public VectorEdge<Element, false> {
 public:
  const VectorEdge& operator*() const { return *this; }
  const VectorEdge* operator->() const { return this; }
  using iterator = Element*;
  using const_iterator = Element*;
  std::uint32_t size() const { return static_cast<std::uint32_t>(this->image_.size); }
  bool empty() const { return size() == 0; }
  Element* end() const { return this->data() + size(); }
  const Element* cbegin() const { return this->data(); }
  const Element* cend() const { return end(); }
  Element& front() const { return (*this)[0]; }
  Element& back() const { return (*this)[size() - 1]; }
};

/// Rows of a VectorList: they carry their number of elements in every layout.
template <class Element>
using Row = VectorEdge<Element, true>;

}  // namespace ipu_model::device

namespace poplar {

/// Read-only edge of one element.
template <class T>
class Input : public ipu_model::device::ScalarEdge<const ipu_model::device::tile_element_t<T>> {
 public:
  operator const ipu_model::device::tile_element_t<T>&() const { return **this; }
};

/// Write-only edge of one element: reading it before writing gives whatever tile memory held.
template <class T>
class Output : public ipu_model::device::ScalarEdge<ipu_model::device::tile_element_t<T>> {
 public:
  operator ipu_model::device::tile_element_t<T>&() const { return **this; }
  Output(const Output&) = default;
  Output& operator=(const Output& other) { return *this = *other; }
  template <class U>
  Output& operator=(const U& value) {
    **this = value;
    return *this;
  }
};

template <class T>
class InOut : public ipu_model::device::ScalarEdge<ipu_model::device::tile_element_t<T>> {
 public:
  operator ipu_model::device::tile_element_t<T>&() const { return **this; }
  InOut(const InOut&) = default;
  InOut& operator=(const InOut& other) { return *this = *other; }
  template <class U>
  InOut& operator=(const U& value) {
    **this = value;
    return *this;
  }
};

template <class T, VectorLayout L, unsigned A, bool I>
class Input<Vector<T, L, A, I>>
    : public ipu_model::device::VectorEdge<ipu_model::device::input_element_t<T>, ipu_model::device::hasLength(L)> {};
template <class T, VectorLayout L, unsigned A, bool I>
class Output<Vector<T, L, A, I>>
    : public ipu_model::device::VectorEdge<ipu_model::device::tile_element_t<T>, ipu_model::device::hasLength(L)> {};
template <class T, VectorLayout L, unsigned A, bool I>
class InOut<Vector<T, L, A, I>>
    : public ipu_model::device::VectorEdge<ipu_model::device::tile_element_t<T>, ipu_model::device::hasLength(L)> {};

template <class T, VectorListLayout L, unsigned A, bool I>
class Input<VectorList<T, L, A, I>>
    : public ipu_model::device::VectorEdge<const ipu_model::device::Row<ipu_model::device::input_element_t<T>>, true> {
};
template <class T, VectorListLayout L, unsigned A, bool I>
class Output<VectorList<T, L, A, I>>
    : public ipu_model::device::VectorEdge<const ipu_model::device::Row<ipu_model::device::tile_element_t<T>>, true> {};
template <class T, VectorListLayout L, unsigned A, bool I>
class InOut<VectorList<T, L, A, I>>
    : public ipu_model::device::VectorEdge<const ipu_model::device::Row<ipu_model::device::tile_element_t<T>>, true> {};

/// Without a direction: scratch that belongs to the vertex.
template <class T, VectorLayout L, unsigned A, bool I>
class Vector
    : public ipu_model::device::VectorEdge<ipu_model::device::tile_element_t<T>, ipu_model::device::hasLength(L)> {};

/// A list of edges.
template <class Edge, VectorLayout L, unsigned A, bool I>
class Vector<Input<Edge>, L, A, I>
    : public ipu_model::device::VectorEdge<const Input<Edge>, ipu_model::device::hasLength(L)> {};
template <class Edge, VectorLayout L, unsigned A, bool I>
class Vector<Output<Edge>, L, A, I>
    : public ipu_model::device::VectorEdge<Output<Edge>, ipu_model::device::hasLength(L)> {};
template <class Edge, VectorLayout L, unsigned A, bool I>
class Vector<InOut<Edge>, L, A, I>
    : public ipu_model::device::VectorEdge<InOut<Edge>, ipu_model::device::hasLength(L)> {};

}  // namespace poplar
