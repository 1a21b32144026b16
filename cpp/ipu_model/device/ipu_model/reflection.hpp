// What the model asks the compiler about the fields of a vertex class. The names and offsets of the fields come from
// debug information.
#pragma once

#include <ipu_model/tables.hpp>
#include <poplar/FieldTypes.hpp>
#include <poplar/HalfFloat.hpp>

namespace ipu_model::device {

template <class T>
constexpr const char* elementName = nullptr;
#define IPU_MODEL_ELEMENT(type, text) \
  template <>                         \
  inline constexpr const char* elementName<type> = text;
IPU_MODEL_ELEMENT(bool, "bool")
IPU_MODEL_ELEMENT(char, "char")
IPU_MODEL_ELEMENT(signed char, "signed char")
IPU_MODEL_ELEMENT(unsigned char, "unsigned char")
IPU_MODEL_ELEMENT(short, "short")
IPU_MODEL_ELEMENT(unsigned short, "unsigned short")
IPU_MODEL_ELEMENT(int, "int")
IPU_MODEL_ELEMENT(unsigned, "unsigned int")
IPU_MODEL_ELEMENT(long, "int")
IPU_MODEL_ELEMENT(unsigned long, "unsigned int")
IPU_MODEL_ELEMENT(long long, "long long")
IPU_MODEL_ELEMENT(unsigned long long, "unsigned long long")
IPU_MODEL_ELEMENT(half, "half")
IPU_MODEL_ELEMENT(float, "float")
#undef IPU_MODEL_ELEMENT

template <class T>
constexpr Shape supported(Shape shape) {
  return elementName<T> ? shape : Shape::Unsupported;
}

/// A plain member, or something that vertex state cannot hold.
template <class T>
struct Describe {
  static constexpr FieldType value{FieldDirection::State, supported<T>(Shape::Scalar), 0, 0, false, alignof(T),
                                   elementName<T>, sizeof(T)};
};
template <class T>
struct Describe<const T> : Describe<T> {};
template <class T>
struct Describe<volatile T> : Describe<T> {};
template <class T, std::size_t N>
struct Describe<T[N]> {
  static constexpr FieldType value{FieldDirection::State, Shape::Unsupported, 0, 0, false, 1, nullptr, 0};
};
template <class T, std::size_t N>
struct Describe<const T[N]> : Describe<T[N]> {};
template <class T>
struct Describe<T&> : Describe<T[1]> {};

template <class T>
constexpr FieldType describeScalar(FieldDirection direction) {
  return {direction, supported<T>(Shape::Scalar), 0, 0, false, alignof(tile_element_t<T>), elementName<T>,
          sizeof(tile_element_t<T>)};
}

template <class T, poplar::VectorLayout L, unsigned A, bool I>
constexpr FieldType describeVector(FieldDirection direction) {
  constexpr bool aVector = L != poplar::VectorLayout::NOT_A_VECTOR;
  return {direction,   aVector ? supported<T>(Shape::Vector) : Shape::Unsupported,
          static_cast<unsigned char>(L), 0, I, A, elementName<T>, sizeof(tile_element_t<T>)};
}

/// Its rows are short spans: they carry their length, and NOT_A_VECTOR is left to lists of single elements.
template <class T, poplar::VectorListLayout L, unsigned A, bool I>
constexpr FieldType describeVectorList(FieldDirection direction) {
  return {direction,
          supported<T>(Shape::VectorList),
          static_cast<unsigned char>(100 + static_cast<int>(L)),
          static_cast<unsigned char>(poplar::VectorLayout::SHORT_SPAN),
          I,
          A,
          elementName<T>,
          sizeof(tile_element_t<T>)};
}

/// The list of edges around one edge.
constexpr FieldType listOf(FieldType row, poplar::VectorLayout layout) {
  const bool rowIsPlain = row.shape == Shape::Scalar || row.shape == Shape::Vector;
  return {row.direction, rowIsPlain ? Shape::VectorList : Shape::Unsupported,
          static_cast<unsigned char>(layout), row.layout, row.interleaved, row.minAlign, row.element, row.elementSize};
}

#define IPU_MODEL_DIRECTION(D)                                                                         \
  template <class T>                                                                                   \
  struct Describe<poplar::D<T>> {                                                                      \
    static constexpr FieldType value = describeScalar<T>(FieldDirection::D);                           \
  };                                                                                                   \
  template <class T, poplar::VectorLayout L, unsigned A, bool I>                                       \
  struct Describe<poplar::D<poplar::Vector<T, L, A, I>>> {                                             \
    static constexpr FieldType value = describeVector<T, L, A, I>(FieldDirection::D);                  \
  };                                                                                                   \
  template <class T, poplar::VectorListLayout L, unsigned A, bool I>                                   \
  struct Describe<poplar::D<poplar::VectorList<T, L, A, I>>> {                                         \
    static constexpr FieldType value = describeVectorList<T, L, A, I>(FieldDirection::D);              \
  };                                                                                                   \
  template <class Row, poplar::VectorLayout L, unsigned A, bool I>                                     \
  struct Describe<poplar::Vector<poplar::D<Row>, L, A, I>> {                                           \
    static constexpr FieldType value = listOf(Describe<poplar::D<Row>>::value, L);                     \
  };
IPU_MODEL_DIRECTION(Input)
IPU_MODEL_DIRECTION(Output)
IPU_MODEL_DIRECTION(InOut)
#undef IPU_MODEL_DIRECTION

template <class T, poplar::VectorLayout L, unsigned A, bool I>
struct Describe<poplar::Vector<T, L, A, I>> {
  static constexpr FieldType value = describeVector<T, L, A, I>(FieldDirection::State);
};

/// The compiler's own spelling of T, inside some more text.
template <class T>
constexpr const char* typeText() {
  return __PRETTY_FUNCTION__;
}

template <class V>
void construct(void* vertex) {
  __builtin_memset(vertex, 0, sizeof(V));
}

/// What the running worker thread knows besides its vertex.
struct Worker {
  std::uint64_t randomState;
  unsigned id;
};
inline Worker& worker() {
  static thread_local Worker state{0, 0};
  return state;
}

inline void seedRandom(std::uint64_t seed) { worker().randomState = seed; }

template <class V>
bool runWorker(void* vertex, unsigned) {
  if constexpr (std::is_void_v<decltype(static_cast<V*>(vertex)->compute())>) {
    static_cast<V*>(vertex)->compute();
    return true;
  } else {
    return static_cast<V*>(vertex)->compute();
  }
}

template <class V>
bool runMultiVertex(void* vertex, unsigned workerId) {
  worker().id = workerId;
  if constexpr (std::is_void_v<decltype(static_cast<V*>(vertex)->compute(workerId))>) {
    static_cast<V*>(vertex)->compute(workerId);
    return true;
  } else {
    return static_cast<V*>(vertex)->compute(workerId);
  }
}

template <class V>
std::uint64_t perfEstimate(void* vertex) {
  return static_cast<std::uint64_t>(static_cast<V*>(vertex)->getCycleEstimate());
}

}  // namespace ipu_model::device
