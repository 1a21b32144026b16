// A library of the SDK that the model does not have.
#include <poplar/Graph.hpp>
#include <popnn/NonLinearity.hpp>

int main() {}
