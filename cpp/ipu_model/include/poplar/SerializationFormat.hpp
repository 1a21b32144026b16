#pragma once
namespace poplar {
enum class SerializationFormat { Binary, JSON };
}
