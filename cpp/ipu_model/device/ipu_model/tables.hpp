// The tables that a compiled codelet hands to the host, and how the two share an edge. Plain data: a codelet may be
// compiled by another compiler than the host program.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ipu_model::device {

/// An edge in vertex state, and a row of a list of vectors. The host writes it, whatever the layout on a tile.
struct EdgeImage {
  void* data;
  std::size_t size;
};

enum class FieldDirection : unsigned char { Input, Output, InOut, State };
enum class Shape : unsigned char { Scalar, Vector, VectorList, Unsupported };
enum class ClassKind : unsigned char { Worker, MultiVertex, Supervisor };

struct FieldType {
  FieldDirection direction;
  Shape shape;
  unsigned char layout;     ///< poplar::VectorLayout, or VectorListLayout + 100
  unsigned char rowLayout;  ///< poplar::VectorLayout; NOT_A_VECTOR: rows are single elements
  bool interleaved;
  unsigned minAlign;
  const char* element;      ///< as poplar::Type::toString() spells it; null: not a type of the device
  std::size_t elementSize;
};

struct FieldEntry {
  const char* name;
  int line;
  std::size_t offset;
  FieldType type;
  const char* typeText;  ///< contains the C++ type, for messages
};

struct ClassEntry {
  const char* name;
  ClassKind kind;
  int line;
  std::size_t size, align;
  const FieldEntry* fields;
  std::size_t fieldCount;
  void (*construct)(void*);
  bool (*compute)(void*, unsigned);
  std::uint64_t (*perfEstimate)(void*);
};

struct LibraryEntry {
  unsigned version;
  const ClassEntry* classes;
  std::size_t classCount;
  void (*seedRandom)(std::uint64_t);  ///< null if the source calls no random builtin
};

}  // namespace ipu_model::device
