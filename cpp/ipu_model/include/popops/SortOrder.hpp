#pragma once
namespace popops {
enum class SortOrder { NONE, ASCENDING, DESCENDING };
}
