#import <Foundation/Foundation.h>

@interface Window : NSObject
@property (nonatomic) double width;
@end
