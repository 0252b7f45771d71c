/**
 * A graph as the bytes of an ONNX model, IR version 9, opset 18. Field numbers are those of onnx.proto
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). The same graph gives the same bytes.
 */
import type { Attribute, ElementType, Graph, Value } from "./Graph.ts"
import { Writer } from "./Protobuf.ts"

const irVersion = 9
const opsetVersion = 18

/** TensorProto.DataType. */
const elementTypes: Record<ElementType, number> = { float: 1, int64: 7, bool: 9 }
/** AttributeProto.AttributeType. */
const attributeTypes = { int: 2, ints: 7 }

export const encode = (graph: Graph): Uint8Array =>
  new Writer()
    .int(1, irVersion)
    .text(2, "continuum")
    .message(7, (writer) => writeGraph(writer, graph))
    .message(8, (opset) => opset.text(1, "").int(2, opsetVersion))
    .finish()

const writeGraph = (writer: Writer, graph: Graph): void => {
  for (const { op, inputs, output, attributes } of graph.nodes) {
    writer.message(1, (node) => {
      for (const { name } of inputs) node.text(1, name)
      node.text(2, output.name).text(3, output.name).text(4, op)
      for (const [name, value] of Object.entries(attributes)) {
        node.message(5, (attribute) => writeAttribute(attribute, name, value))
      }
    })
  }
  writer.text(2, "graph")
  for (const { value, data } of graph.initializers.values()) {
    writer.message(5, (tensor) => {
      for (const size of value.shape) tensor.int(1, size as number)
      tensor.int(2, elementTypes[value.type]).text(8, value.name)
      tensor.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    })
  }
  for (const value of graph.inputs) writer.message(11, (info) => writeValueInfo(info, value))
  for (const value of graph.outputs) writer.message(12, (info) => writeValueInfo(info, value))
}

const writeAttribute = (writer: Writer, name: string, value: Attribute): void => {
  writer.text(1, name)
  if (typeof value === "number") writer.int(3, value).int(20, attributeTypes.int)
  else {
    for (const one of value) writer.int(8, one)
    writer.int(20, attributeTypes.ints)
  }
}

const writeValueInfo = (writer: Writer, { name, shape, type }: Value): void => {
  writer.text(1, name).message(2, (typeProto) =>
    typeProto.message(1, (tensor) =>
      tensor.int(1, elementTypes[type]).message(2, (shapeProto) => {
        for (const size of shape) {
          shapeProto.message(1, (dimension) => {
            if (typeof size === "number") dimension.int(1, size)
            else dimension.text(2, size)
          })
        }
      })
    )
  )
}
