module counter(input clk, output reg [7:0] value);
  // Definition of a counter
  always @(posedge clk) value <= value + 1;
endmodule
