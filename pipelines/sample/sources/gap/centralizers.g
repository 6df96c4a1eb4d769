# Sizes of the centralizers of a group's classes, largest first.
CentralizerSizes := function( G )
  local sizes, class;
  sizes := [];
  for class in ConjugacyClasses( G ) do
    Add( sizes, Size( G ) / Size( class ) );
  od;
  Sort( sizes, function( a, b ) return a > b; end );
  return sizes;
end;

Print( CentralizerSizes( SymmetricGroup( 5 ) ), "\n" );
