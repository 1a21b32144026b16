// Codelets of the tests; compiled by addCodelets, not by the build.

#include <poplar/Vertex.hpp>

using namespace poplar;

class Sum : public Vertex {
public:
  Input<Vector<float>> in;
  Output<float> out;
  bool compute() {
    float sum = 0;
    for (unsigned i = 0; i != in.size(); ++i)
      sum += in[i];
    *out = sum;
    return true;
  }
};

class AddOne : public Vertex {
public:
  Input<Vector<int>> in;
  Output<Vector<int>> out;
  bool compute() {
    for (unsigned i = 0; i != in.size(); ++i)
      out[i] = in[i] + 1;
    return true;
  }
};

class Count : public Vertex {
public:
  int calls;
  int step;
  Output<int> out;
  bool compute() {
    calls += step;
    *out = calls;
    return calls < 5;
  }
};

class Rows : public Vertex {
public:
  Vector<Input<Vector<float>>> rows;
  Output<Vector<float>> sums;
  Vector<float> scratch;
  bool compute() {
    for (unsigned r = 0; r != rows.size(); ++r) {
      scratch[0] = 0;
      for (unsigned i = 0; i != rows[r].size(); ++i)
        scratch[0] = scratch[0] + rows[r][i];
      sums[r] = scratch[0];
    }
    return true;
  }
};

template <typename T> class Scale : public Vertex {
public:
  InOut<Vector<T>> data;
  const T factor;
  bool compute() {
    for (unsigned i = 0; i != data.size(); ++i)
      data[i] = data[i] * factor;
    return true;
  }
};
template class Scale<float>;
template class Scale<int>;

class Workers : public MultiVertex {
public:
  Output<Vector<int>> out;
  bool compute(unsigned worker) {
    for (unsigned i = worker; i < out.size(); i += numWorkers())
      out[i] = static_cast<int>(worker);
    return true;
  }
};

class Private : public Vertex {
public:
  Vector<int> values;
  Output<Vector<int>> out; // the size of `values`, then its elements, which grow by one each time
  bool compute() {
    out[0] = static_cast<int>(values.size());
    for (unsigned i = 0; i != values.size(); ++i)
      out[i + 1] = values[i]++;
    return true;
  }
};

class SingleElements : public Vertex {
public:
  Vector<Input<float>> in;
  Vector<Output<float>, VectorLayout::ONE_PTR> out;
  bool compute() {
    for (unsigned i = 0; i != in.size(); ++i)
      *out[i] = 2 * *in[i];
    return true;
  }
};

class Careless : public Vertex {
public:
  Output<Vector<float>> out; // reads out[0] before it writes, never writes out[1]
  bool compute() {
    out[0] = out[0] * 2.0f;
    return true;
  }
};

class HalfStore : public Vertex {
public:
  Output<half> out;
  bool compute() {
    *out = 1.5f;
    return true;
  }
};
