"""What docs/lmnt-vocoder.py wants of PyTorch, for tests where that is not installed: `load` reads JSON, {"model": {name: shape}}."""
import array, json, math


class Tensor:
    def __init__(self, number, shape):
        self.number, self.shape = number, shape

    def float(self):
        return self

    contiguous = numpy = float

    def numel(self):
        return math.prod(self.shape)

    def tobytes(self):
        # The same numbers as lmntVocoder.test.ts has: which tensor it is, and which element.
        values = array.array('f', (self.number + i % 1024 / 1024 for i in range(self.numel())))
        return values.tobytes()


def load(path, map_location):
    model = json.load(open(path))['model']
    return {'model': {name: Tensor(number, shape) for number, (name, shape) in enumerate(model.items())}}
