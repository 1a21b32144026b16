// Another name of the tile constants.
#pragma once

#include <poplar/TileConstants.hpp>
